/**
 * The f32 fused multiply-add, exactly: what the bit rules of kernels are stated in. A sum in f64 alone
 * would round twice.
 */

const f64 = new Float64Array(1);
/** Low word first: the machines Kerf runs on are little-endian, as its files are. */
const words = new Uint32Array(f64.buffer);

/**
 * a · b + c of three f32 values, rounded once to f32.
 *
 * The product is exact in f64; the sum is rounded to odd there, so that rounding it again to f32 is right.
 * Source: Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using
 * rounding to odd", IEEE Transactions on Computers 57(4), 2008.
 *
 * @example
 * ```ts
 * import { fma32 } from "./fma32.ts";
 * const e = 2 ** -23;
 * if (fma32(1 + e, 1 - e, -1) !== -(e * e)) throw new Error("the product was rounded");
 * ```
 */
export function fma32(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const back = sum - product;
  const error = (product - (sum - back)) + (c - back);
  if (error === 0 || !Number.isFinite(sum)) return Math.fround(sum);
  f64[0] = sum;
  // An even significand goes to its odd neighbour on the side of the error; no neighbour of it is even.
  if ((words[0]! & 1) === 0) {
    if ((error > 0) === (sum > 0)) words[0]! |= 1;
    else if (words[0]!-- === 0) words[1]!--;
  }
  return Math.fround(f64[0]);
}
