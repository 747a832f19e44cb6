/** What changes an emulated library, what a refused text says, and which kernels a text exports. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { findCxxCompiler } from "../sys/compiler.ts";
import { openLibrary } from "../sys/library.ts";
import { compileEmulated, type EmulatedSource } from "./compile_emulated.ts";

const compiler = await findCxxCompiler();

const TEXT = `#include "kerf_cuda.h"
struct args { u32 *a; };
extern "C" __global__ void __launch_bounds__(WIDTH, 1)
first(const __grid_constant__ struct args args)
{
  args.a[kerf_thread()] = WIDTH;
}
extern "C" __global__ void second(const __grid_constant__ args args) { args.a[0] = 2; }
`;
const SOURCE: EmulatedSource = {
  ...{ name: "two", text: TEXT, file: "templates/cuda/two.cu", defines: { WIDTH: 32 } },
};

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("text, defines, compiler and checks change an emulated library; the folder does not", () =>
  inFolder(async (dir) => {
    const options = { compiler, dir, checked: true };
    const path = await compileEmulated(SOURCE, options);
    assertEquals(await compileEmulated({ ...SOURCE, defines: { WIDTH: 32 } }, options), path);
    const others = await Promise.all([
      compileEmulated({ ...SOURCE, defines: { WIDTH: 64 } }, options),
      compileEmulated({ ...SOURCE, text: `${TEXT}\n` }, options),
      compileEmulated(SOURCE, { ...options, checked: false }),
      compileEmulated(SOURCE, { ...options, compiler: { ...compiler, version: "another" } }),
    ]);
    assertEquals(new Set([path, ...others]).size, 5);
    const left = Array.from(Deno.readDirSync(dir), ({ name }) => name);
    assert(left.every((name) => /^(two|emulator)-[0-9a-f]{64}\.(so|o)$/.test(name)), String(left));
  }));

Deno.test("a library exports every kernel of its text", () =>
  inFolder(async (dir) => {
    const path = await compileEmulated(SOURCE, { compiler, dir, checked: false });
    const kernel = { parameters: ["buffer"], result: "i32" } as const;
    openLibrary(path, { first_emulate: kernel, second_emulate: kernel });
  }));

Deno.test("a text that is refused names its line and a command; one without kernels says so", () =>
  inFolder(async (dir) => {
    const options = { compiler, dir, checked: true };
    const text = TEXT.replace("= WIDTH", "= missing");
    const refused = await assertRejects(
      () => compileEmulated({ ...SOURCE, text }, options),
      KerfError,
      'Cannot compile kernel "two": ',
    );
    assert(refused.where?.startsWith("templates/cuda/two.cu:6"), refused.where);
    assert(refused.message.includes("missing"), refused.message);
    assert(refused.hints[0]!.includes("-fsyntax-only"), refused.hints[0]);
    await assertRejects(
      () => compileEmulated({ ...SOURCE, text: '#include "kerf_cuda.h"\n' }, options),
      KerfError,
      'Cannot emulate "two": its text has no kernel',
    );
  }));
