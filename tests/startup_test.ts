/**
 * A run loads nothing of the generator half. ts-morph cannot load without reading TSC_* variables, so a run
 * that may not read them proves that it stayed out; one that may not start Deno renders nothing.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { tinyModel } from "../src/model/testing.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { cacheDir, projectRoot } from "../src/sys/cache_dir.ts";
import { runCommand } from "../src/sys/command.ts";
import { runChild } from "../src/sys/testing.ts";

Deno.test("neither the library nor run imports the generator half", async () => {
  for (const entry of ["src/mod.ts", "src/cli/run.ts"]) {
    const info = await runCommand(Deno.execPath(), ["info", "--json", entry], {
      cwd: projectRoot(),
    });
    const { modules } = JSON.parse(info.stdout) as { modules: { specifier: string }[] };
    assert(modules.length > 50, info.stderr);
    const heavy = modules.map(({ specifier }) => specifier)
      .filter((name) => /ts-morph|nunjucks|vega|\/src\/(emit|frontend)\//.test(name));
    assertEquals(heavy, []);
  }
});

Deno.test("other kernels are rendered by a process of their own, once", async () => {
  await using folder = await testFolder();
  const model = await folder.write("tiny.gguf", tinyModel());
  // Nothing is rendered yet; what was compiled is there.
  const [own, compiled] = [join(folder.path, "cache"), join(cacheDir(), "cpu")];
  await Promise.all([own, compiled].map((path) => Deno.mkdir(path, { recursive: true })));
  await Deno.symlink(compiled, join(own, "cpu"));
  const run = (cacheTypes: string, ...denied: string[]) => {
    const code = `import { load } from "kerf";
      const options = { model: ${JSON.stringify(model)}, prune: "think", ${cacheTypes} };
      using model = await load(options);
      const { tokens } = await model.generate("ab", { raw: true, maxTokens: 3 }).result;
      console.log(tokens.length);`;
    const all = ["read", "write", "run", "ffi", "sys"].map((kind) => `--allow-${kind}`);
    const permissions = [...all, "--allow-env", "--deny-env=TSC_WATCHFILE", ...denied];
    return runChild(code, { permissions, env: { KERF_CACHE: own } });
  };
  const deno = `--deny-run=${Deno.execPath()}`;
  const other = 'cacheTypes: { key: "f32" }';
  const generated = await run("", deno);
  assertEquals([generated.code, generated.stdout.trim()], [0, "3"], generated.stderr);
  assertStringIncludes((await run(other, deno)).stderr, "NotCapable");
  for (const denied of [[], [deno]]) {
    const rendered = await run(other, ...denied);
    assertEquals([rendered.code, rendered.stdout.trim()], [0, "3"], rendered.stderr);
  }
});
