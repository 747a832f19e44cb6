import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { projectRoot } from "./cache_dir.ts";
import { projectUrl, runChild } from "./testing.ts";

Deno.test("the project's root holds deno.json", async () => {
  assertEquals((await Deno.stat(join(projectRoot(), "deno.json"))).isFile, true);
});

Deno.test("the cache is .cache, or KERF_CACHE seen from where the user typed", async () => {
  const at = async (env: Record<string, string>) => {
    const { stdout } = await runChild(
      `import { cacheDir } from "${projectUrl("src/sys/cache_dir.ts")}"; console.log(cacheDir());`,
      { env: { INIT_CWD: "/user/folder", ...env } },
    );
    return stdout.trim();
  };
  assertEquals(await at({}), join(projectRoot(), ".cache"));
  assertEquals(await at({ KERF_CACHE: "" }), join(projectRoot(), ".cache"));
  assertEquals(await at({ KERF_CACHE: "/big/disk" }), "/big/disk");
  assertEquals(await at({ KERF_CACHE: "../disk" }), "/user/disk");
});
