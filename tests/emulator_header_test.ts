/**
 * The emulator's kerf_cuda.h against the one that GPUs get: the same functions, and for those whose bodies
 * differ the results that CUDA promises, to the bit.
 */

import { assertEquals } from "@std/assert";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { addressOf, compileForEmulator } from "./_emulator.ts";

/** Names of a header's functions, types and macros. */
async function namesOf(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${projectRoot()}/${path}`);
  const named = [
    /^KERF_INLINE [\w ]+?\**(kerf_\w+)\(/gm,
    /^typedef [\w ]+ (\w+);/gm,
    /^#define (KERF_(?!SITE|IN)\w+)/gm,
  ];
  return [...new Set(named.flatMap((p) => [...text.matchAll(p)].map((m) => m[1]!)))].sort();
}

Deno.test("emulator: its header has the names of the GPUs' header", async () => {
  const want = await namesOf("templates/cuda/kerf_cuda.h");
  assertEquals(await namesOf("src/device/cuda/emulator/kerf_cuda.h"), want);
  assertEquals(
    want.filter((name) => /^kerf_(fma|load4_f16|shuffle_xor|bf16)$/.test(name)).length,
    4,
  );
});

/** Functions of one word's bits and another's, as expressions of `a` and `b` (u32) and `x` and `y` (f32). */
const FUNCTIONS = {
  f16_to_f32: "kerf_bits(kerf_f16_to_f32((i32)a))",
  f32_to_f16: "kerf_f32_to_f16(x)",
  bf16_to_f32: "kerf_bits(kerf_bf16_to_f32(a & 0xffff))",
  count_bits: "kerf_count_bits(a)",
  max: "kerf_bits(kerf_max(x, y))",
  min: "kerf_bits(kerf_min(x, y))",
  fma: "kerf_bits(kerf_fma(x, y, -1.0f))",
  round: "kerf_bits(kerf_round(x))",
  rem: "kerf_bits(kerf_rem(x, y))",
  sqrt: "kerf_bits(kerf_sqrt(x))",
} as const;

const text = `#include "kerf_cuda.h"
struct args { const u32 *a, *b; u32 *out; };
${
  Object.entries(FUNCTIONS).map(([name, expression]) =>
    `extern "C" __global__ void ${name}(const __grid_constant__ struct args args)
{
  const u32 i = kerf_block() * 256 + kerf_thread();
  const u32 a = args.a[i], b = args.b[i];
  const float x = kerf_from_bits(a), y = kerf_from_bits(b);
  args.out[i] = (x == y) * 0 + ${expression};
}
`
  ).join("")
}`;

const launch = await compileForEmulator({ name: "emulator_header", text }, { checked: false });

/** A function's results over arrays of bits. */
function apply(name: keyof typeof FUNCTIONS, a: Uint32Array, b = new Uint32Array(a.length)) {
  const grid = Math.ceil(a.length / 256);
  const [left, right, out] = [a, b, a].map(() => new Uint32Array(grid * 256));
  left!.set(a);
  right!.set(b);
  const memory = [left!, right!, out!];
  const args = new Uint8Array(BigUint64Array.from(memory, addressOf).buffer);
  assertEquals(launch(name, { grid, block: 256, args, memory }), undefined);
  return out!.subarray(0, a.length);
}

const bitsOf = (values: Iterable<number>) => new Uint32Array(Float32Array.from(values).buffer);
const floatsOf = (bits: Uint32Array) => new Float32Array(bits.slice().buffer);

Deno.test("emulator: every half converts to its value", () => {
  const halves = Uint32Array.from({ length: 65536 }, (_, i) => i);
  const want = new Float16Array(Uint16Array.from(halves).buffer);
  // NaN is compared as NaN.
  assertEquals(floatsOf(apply("f16_to_f32", halves)), Float32Array.from(want));
});

Deno.test("emulator: numbers round to the nearest half, ties to even", () => {
  // Every half, the middle to the next one, and the floats around both.
  const around = Array.from({ length: 0x7c00 }, (_, h) => {
    const [low, next] = new Float16Array(Uint16Array.of(h, h + 1).buffer);
    const middle = Math.fround((low! + Math.min(next!, 65536)) / 2);
    return [...bitsOf([low!, middle])].flatMap((bits) => [bits - 1, bits, bits + 1]);
  }).flat().map((bits) => bits >>> 0);
  const both = Uint32Array.from(around.flatMap((bits) => [bits, (bits | 0x80000000) >>> 0]));
  const got = apply("f32_to_f16", both);
  const want = new Uint16Array(Float16Array.from(floatsOf(both)).buffer);
  both.forEach((bits, i) => {
    // The canonical NaN of PTX.
    const half = Number.isNaN(floatsOf(Uint32Array.of(bits))[0]) ? 0x7fff : want[i]!;
    if (got[i] !== half) assertEquals(got[i], half, `of 0x${bits.toString(16)}`);
  });
  assertEquals([...apply("f32_to_f16", bitsOf([NaN, Infinity, -Infinity, 65519, 65520, 1e38]))], [
    ...[0x7fff, 0x7c00, 0xfc00, 0x7bff, 0x7c00, 0x7c00],
  ]);
});

Deno.test("emulator: the other functions give CUDA's bits", () => {
  const [zero, minus, nan] = [0, 0x80000000, 0x7fffffff];
  const x = Uint32Array.of(zero, minus, 0x7fc00000, bitsOf([1])[0]!, bitsOf([-2])[0]!);
  const y = Uint32Array.of(minus, zero, bitsOf([1])[0]!, 0xffc00001, bitsOf([3])[0]!);
  const [two, three] = bitsOf([-2, 3]);
  assertEquals([...apply("max", x, y)], [zero, zero, nan, nan, three!]);
  assertEquals([...apply("min", x, y)], [minus, minus, nan, nan, two!]);
  assertEquals([...apply("bf16_to_f32", Uint32Array.of(0x3f80, 0xff80))], [0x3f800000, 0xff800000]);

  // (1 + 2⁻²³)² − 1 = 2⁻²² + 2⁻⁴⁶: with two roundings 2⁻²².
  const near = bitsOf([1 + 2 ** -23, 1 + 2 ** -12]);
  assertEquals([...floatsOf(apply("fma", near, near))], [
    Math.fround(2 ** -22 + 2 ** -46),
    Math.fround(2 ** -11 + 2 ** -24),
  ]);
  const halves = bitsOf([0.5, 1.5, 2.5, -0.5, -1.5, 8388609, NaN]);
  assertEquals([...floatsOf(apply("round", halves))], [0, 2, 2, -0, -2, 8388609, NaN]);
  assertEquals([...floatsOf(apply("rem", bitsOf([7, -7, 1e30]), bitsOf([3, 3, 7])))], [
    ...[1, -1, Math.fround(1e30) % 7],
  ]);
  assertEquals(
    [...floatsOf(apply("sqrt", bitsOf([2, 1e-45])))],
    [2, 1e-45].map((v) => Math.fround(Math.sqrt(Math.fround(v)))),
  );
});
