/** Loading; what a loaded compiler does is compile_cuda's. The libraries are the test's own. */

import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { findCompiler } from "../sys/compiler.ts";
import { compileC } from "./compile_c.ts";
import { NVRTC_LIBRARIES, nvrtcFolder, openNvrtc } from "./nvrtc.ts";

const FUNCTIONS = [
  ...["CreateProgram", "CompileProgram", "GetProgramLogSize", "GetProgramLog"],
  ...["GetCUBINSize", "GetCUBIN", "DestroyProgram"],
];

/** A cache with libraries of every function, which do nothing but say a version. */
async function cacheWith(dir: string, version: readonly [major: number, minor: number]) {
  const cacheDir = join(dir, version.join("."));
  const text = `#define EXPORT __attribute__((visibility("default")))
EXPORT int nvrtcVersion(int *major, int *minor)
{
  *major = ${version[0]};
  *minor = ${version[1]};
  return 0;
}
EXPORT void *memmove(void *to, const void *from, unsigned long bytes)
{
  return (void)from, (void)bytes, to;
}
${FUNCTIONS.map((name) => `EXPORT int nvrtc${name}(void) { return 1; }`).join("\n")}
`;
  const source = { name: "nvrtc", text, file: "nvrtc.c" };
  const library = await compileC(source, { compiler: await findCompiler(), dir });
  await Deno.mkdir(nvrtcFolder(cacheDir), { recursive: true });
  for (const name of Object.values(NVRTC_LIBRARIES)) {
    await Deno.copyFile(library, join(nvrtcFolder(cacheDir), name));
  }
  return cacheDir;
}

Deno.test("each cache has a compiler of its own, loaded once", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const [a, b] = [await cacheWith(dir, [13, 0]), await cacheWith(dir, [13, 7])];
    const first = openNvrtc(a);
    assertEquals([first.version, openNvrtc(b).version], ["13.0", "13.7"]);
    assertStrictEquals(openNvrtc(a), first);
    assertThrows(() => openNvrtc(join(dir, "none")), KerfError, "Cannot load the library");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
