/**
 * The emulator's checks, each with a small kernel that is wrong in that way and one beside it that is right:
 * the wrong one is told with its line, block and thread, nothing outside is written, and the right one runs
 * without a word.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { addressOf, compileForEmulator } from "./_emulator.ts";
import { CASES } from "./_emulator_cases.ts";

/** Of every kernel: 64 words of each. */
const ARGS = "struct args {\n  u32 *a, *b, *none;\n  float *f;\n};\n";

const names = Object.keys(CASES);
/** The first line of a kernel's body. */
const lines = new Map<string, number>();
let text = `#include "kerf_cuda.h"\n${ARGS}`;
for (const [name, { body }] of Object.entries(CASES)) {
  text += `extern "C" __global__ void ${name}(const __grid_constant__ struct args args)\n{\n`;
  lines.set(name, text.split("\n").length);
  text += `${body}\n}\n`;
}

const launch = await compileForEmulator({ name: "emulator_cases", text });

function run(name: string) {
  const { grid = 1, block = 64 } = CASES[name]!;
  // Each in the middle of others, which must stay as they are.
  const whole = new Uint32Array(256).fill(7);
  const a = new Uint32Array(64), b = whole.subarray(128, 192), f = new Float32Array(64);
  const args = BigUint64Array.of(addressOf(a), addressOf(b), 0n, addressOf(f));
  const problem = launch(name, {
    ...{ grid, block, sharedBytes: 256, memory: [a, b, f] },
    args: new Uint8Array(args.buffer),
  });
  assertEquals(whole.filter((_, i) => i < 128 || i >= 192), new Uint32Array(192).fill(7));
  return { problem, a, b };
}

for (const name of names) {
  const { problem: want, at: [block, thread] = [0, undefined], body } = CASES[name]!;
  Deno.test(`emulator: a kernel that ${name.replaceAll("_", " ")}`, () => {
    const { problem } = run(name);
    if (want === undefined) return assertEquals(problem, undefined);
    if (problem === undefined) throw new Error("nothing was told");
    assertMatch(problem, want);
    assert(!problem.includes("\n"), problem);
    assertMatch(problem, new RegExp(`^${name}: .*\\(block ${block}, thread ${thread ?? "\\d+"}, `));
    const line = Number(/emulator_cases\.cu:(\d+)\)$/.exec(problem)?.[1]);
    const first = lines.get(name)!;
    assert(line >= first && line < first + body.split("\n").length, `${problem}: not ${first}`);
  });
}

Deno.test("emulator: atomic additions of all blocks arrive", () => {
  assertEquals(run("adds_atomically").a[0], 3 * 63 * 32);
});

Deno.test("emulator: a launch that cannot be is told", () => {
  const bounded = /^bounded: a block of 65 threads where 1 to 64 can be/;
  const source = `#include "kerf_cuda.h"\n${ARGS}extern "C" __global__ void __launch_bounds__(64, 1)
bounded(const __grid_constant__ struct args args) { args.a[0] = 1; }\n`;
  return compileForEmulator({ name: "bounded", text: source }).then((launch) => {
    const a = new Uint32Array(1);
    const args = new Uint8Array(BigUint64Array.of(addressOf(a), 0n, 0n, 0n).buffer);
    assertMatch(launch("bounded", { grid: 1, block: 65, args, memory: [a] })!, bounded);
    const short = launch("bounded", { grid: 1, block: 64, args: args.subarray(8), memory: [a] });
    assertMatch(short!, /24 bytes of arguments, not 32/);
    assertEquals(launch("bounded", { grid: 1, block: 1, args, memory: [a] }), undefined);
    assertEquals(a[0], 1);
  });
});
