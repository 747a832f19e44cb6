import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { fma32 } from "./fma32.ts";

/** A finite f32 as integer · 2^exponent, so that BigInt can compute with it. */
function exact(value: number): { integer: bigint; exponent: number } {
  let exponent = 0;
  while (!Number.isInteger(value)) {
    value *= 2;
    exponent--;
  }
  return { integer: BigInt(value), exponent };
}

/** round(n / 2^shift) to a 24-bit significand, ties to even, in integers alone. */
function fmaByIntegers(a: number, b: number, c: number): number {
  const [x, y, z] = [exact(a), exact(b), exact(c)];
  const exponent = Math.min(x.exponent + y.exponent, z.exponent);
  const total = ((x.integer * y.integer) << BigInt(x.exponent + y.exponent - exponent)) +
    (z.integer << BigInt(z.exponent - exponent));
  const size = total < 0n ? -total : total;
  const drop = BigInt(Math.max(0, size.toString(2).length - 24));
  const kept = size >> drop;
  const rest = size - (kept << drop);
  const half = drop === 0n ? 1n : 1n << (drop - 1n);
  const up = rest > half || (rest === half && (kept & 1n) === 1n) ? 1n : 0n;
  return Number(total < 0n ? -1 : 1) * Number(kept + up) * 2 ** (Number(drop) + exponent);
}

Deno.test("fma32: what f64 would round twice", () => {
  // The product is 2⁻²⁴ − 2⁻⁷⁰: with c it lies just below a tie of f32, on the tie once f64 has rounded.
  const e = 2 ** -23;
  const [a, b, c] = [2 ** -24 * (1 + e), 1 - e, 1 + e];
  assertEquals(Math.fround(a * b + c), 1 + 2 * e);
  assertEquals(fma32(a, b, c), 1 + e);
  assertEquals(fma32(-a, b, -c), -1 - e);
  assertEquals(fmaByIntegers(a, b, c), 1 + e);
  // Just below a power of two: the odd neighbour has other high bits.
  assertEquals(fma32(-(2 ** -35), 2 ** -35, 1), 1);
});

Deno.test("fma32: equals integer arithmetic", () => {
  // Exponents that make product and summand overlap in part, which is where double rounding lives.
  const value = fc.tuple(
    fc.integer({ min: -(2 ** 24), max: 2 ** 24 }),
    fc.integer({ min: -20, max: 20 }),
  )
    .map(([m, e]) => m * 2 ** e);
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      assertEquals(fma32(a, b, c), fmaByIntegers(a, b, c) + 0);
    }),
    { seed: 7, numRuns: 5000 },
  );
});
