/**
 * Compiles for real and in real processes: what changes an artifact, what a refused text says, and that
 * races and kills leave only whole libraries.
 */

import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { projectRoot } from "../sys/cache_dir.ts";
import { type Compiler, findCompiler } from "../sys/compiler.ts";
import { openLibrary } from "../sys/library.ts";
import { childArgs, projectUrl, runChild } from "../sys/testing.ts";
import { compileC } from "./compile_c.ts";

const compiler = await findCompiler();

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const constant = (value: string) =>
  `__attribute__((visibility("default"))) int value(void) { return ${value}; }\n`;
const source = (text: string) => ({ name: "constant", text, file: "generated/c/constant.c" });
const valueOf = (path: string) =>
  openLibrary(path, { value: { parameters: [], result: "i32" } }).value();
const libraries = (dir: string) =>
  Array.from(Deno.readDirSync(dir), ({ name }) => name).filter((name) =>
    /\.(so|dylib)$/.test(name)
  );

Deno.test("text, flags, defines and compiler change the artifact; the defines' order does not", () =>
  inFolder(async (dir) => {
    const options = { compiler, dir };
    const text = constant("A + B");
    const base = { ...source(text), defines: { A: 1, B: 2 } };
    const path = await compileC(base, options);
    assertEquals(await compileC({ ...base, defines: { B: 2, A: 1 } }, options), path);
    const command = [...compiler.command, "-pipe"];
    const others = await Promise.all([
      compileC({ ...base, defines: { A: 1, B: 3 } }, options),
      compileC({ ...base, text: `${text}\n` }, options),
      compileC({ ...base, machineFlags: ["-g"] }, options),
      compileC(base, { dir, compiler: { command, version: compiler.version } }),
      compileC(base, { dir, compiler: { ...compiler, version: "another" } }),
    ]);
    assertEquals(new Set([path, ...others]).size, 6);
    assertEquals([path, ...others].map(valueOf), [3, 4, 3, 3, 3, 3]);
  }));

Deno.test("a changed header gives another library, and this process runs the new code", () =>
  inFolder(async (dir) => {
    const file = join(dir, "constant.c");
    const text = `#include "value.h"\n${constant("VALUE")}`;
    const compiled = async (value: number) => {
      await Deno.writeTextFile(join(dir, "value.h"), `#define VALUE ${value}\n`);
      return await compileC({ name: "constant", text, file }, { compiler, dir });
    };
    const first = await compiled(1);
    assertEquals(valueOf(first), 1);
    const second = await compiled(2);
    assertNotEquals(first, second);
    assertEquals([valueOf(second), valueOf(first)], [2, 1]);
    assertEquals(await compiled(1), first);
  }));

Deno.test("a refused text names the TypeScript line, the first error and the command", () =>
  inFolder(async (dir) => {
    const text = `${constant("1")}#line 42 "kernels/prune/mine.ts"\nint f(void) { return oops; }\n`;
    const error = await assertRejects(
      () => compileC({ ...source(text), defines: { N: 3 } }, { compiler, dir }),
      KerfError,
      'Cannot compile kernel "constant": ',
    );
    assertMatch(error.message, /oops/);
    assertMatch(error.where!, /^kernels\/prune\/mine\.ts:42:\d+$/);
    const [command] = error.hints;
    assertMatch(command!, /-ffp-contract=off .*-DN=3 .*constant-[0-9a-f]{64}\.c -o \/dev\/null/);
    // What the hint says can be typed: it fails with the same message.
    const again = await new Deno.Command("sh", { args: ["-c", command!], cwd: projectRoot() })
      .output();
    assertMatch(new TextDecoder().decode(again.stderr), /mine\.ts:42.*oops/);
    assertEquals(libraries(dir), []);
  }));

Deno.test("a warning is an error", () =>
  inFolder(async (dir) => {
    const text = "static int unused;\n" + constant("1");
    await assertRejects(() => compileC(source(text), { compiler, dir }), KerfError, "unused");
  }));

Deno.test("a compiler that dies without an error line is reported by its last words", () =>
  inFolder(async (dir) => {
    const broken: Compiler = {
      command: ["sh", "-c", "echo killed by the system >&2; exit 9"],
      version: "none",
    };
    const error = await assertRejects(
      () => compileC(source(constant("1")), { compiler: broken, dir }),
      KerfError,
      "the compiler failed\n  killed by the system",
    );
    assertEquals(error.where, undefined);
  }));

/** A module's text that compiles `text` into `dir` and prints the library's path. */
function compileScript(text: string, dir: string, using: Compiler = compiler): string {
  const source = { name: "constant", text, file: "generated/c/constant.c" };
  return `import { compileC } from "${projectUrl("src/build/compile_c.ts")}";
    console.log(await compileC(${JSON.stringify(source)}, ${
    JSON.stringify({ dir, compiler: using })
  }));`;
}

Deno.test("processes that race for one library all get it whole", () =>
  inFolder(async (dir) => {
    const script = compileScript(constant("7"), dir);
    const runs = await Promise.all(Array.from({ length: 4 }, () => runChild(script)));
    const paths = new Set(runs.map(({ stdout }) => stdout.trim()));
    assertEquals(
      runs.map(({ code, stderr }) => ({ code, stderr })),
      Array(4).fill({ code: 0, stderr: "" }),
    );
    assertEquals(paths.size, 1);
    assertEquals(valueOf([...paths][0]!), 7);
    assertEquals(Array.from(Deno.readDirSync(dir)).length, 2);
  }));

/** Starts a process that compiles, for one that is killed. */
const spawnCompile = (script: string) =>
  new Deno.Command(Deno.execPath(), {
    args: childArgs(script),
    cwd: projectRoot(),
    stdout: "null",
    stderr: "null",
  }).spawn();

Deno.test("kill -9 while the compiler writes leaves no library, and the next process makes it", () =>
  inFolder(async (dir) => {
    // Writes half a library and waits as long as the file `slow` is there; compiles when it is not.
    const script = join(dir, "cc.sh");
    await Deno.writeTextFile(
      script,
      `slow="${dir}/slow"
      if [ ! -e "$slow" ]; then exec ${compiler.command.join(" ")} "$@"; fi
      while [ "$1" != -o ]; do shift; done
      printf half > "$2"; touch "${dir}/half-written"
      while [ -e "$slow" ]; do sleep 0.02; done; exit 1\n`,
    );
    const slow: Compiler = { command: ["sh", script], version: "slow" };
    await Deno.writeTextFile(join(dir, "slow"), "");
    const out = join(dir, "out");
    const child = spawnCompile(compileScript(constant("7"), out, slow));
    while (!(await Deno.stat(join(dir, "half-written")).catch(() => null))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill("SIGKILL");
    await child.status;
    assertEquals(libraries(out), []);
    assertEquals(Array.from(Deno.readDirSync(out)).length, 1, "the work folder is left");
    await Deno.remove(join(dir, "slow"));
    const path = await compileC(source(constant("7")), { compiler: slow, dir: out });
    assertEquals(valueOf(path), 7);
  }));

Deno.test("kill -9 at any moment leaves a whole library or none", () =>
  inFolder(async (dir) => {
    let killed = 0;
    for (const ms of [20, 45, 60, 75, 90, 120]) {
      const child = spawnCompile(compileScript(constant(String(ms)), dir));
      const timer = setTimeout(() => {
        try {
          child.kill("SIGKILL");
        } catch {
          // It ended in the same moment.
        }
      }, ms);
      const { success } = await child.status;
      clearTimeout(timer);
      if (!success) killed++;
      for (const name of libraries(dir)) assert(valueOf(join(dir, name)) <= ms);
      assertEquals(valueOf(await compileC(source(constant(String(ms))), { compiler, dir })), ms);
    }
    assert(killed > 0, "every process ended before it was killed");
  }));

Deno.test({
  name: "long system headers are precompiled once for all defines, and change no byte of a library",
  ignore: Deno.build.arch !== "x86_64",
  fn: () =>
    inFolder(async (dir) => {
      const text = `#include <immintrin.h>\n${constant("_mm_cvtsi128_si32(_mm_set1_epi32(N))")}`;
      const one = { ...source(text), defines: { N: 1 }, machineFlags: ["-msse4.1"] };
      const path = await compileC(one, { compiler, dir });
      assertEquals(valueOf(path), 1);
      assertEquals(valueOf(await compileC({ ...one, defines: { N: 2 } }, { compiler, dir })), 2);
      const made = [...Deno.readDirSync(dir)].filter(({ name }) => name.endsWith(".gch"));
      const gcc = !/clang|zig/i.test(compiler.version);
      assertEquals(made.length, gcc ? 1 : 0);
      const plain = { ...compiler, version: "clang, so that nothing is precompiled" };
      const other = await compileC(one, { compiler: plain, dir });
      assertEquals(await Deno.readFile(other), await Deno.readFile(path));
    }),
});
