/**
 * Bit-level helpers for authors: each runs as plain TypeScript and has one IR meaning.
 */

import type { f32, i32 } from "./types.ts";

const f16Bits = new Uint16Array(1);
const f16View = new Float16Array(f16Bits.buffer);

/** The value of 16 bits read as an IEEE half; IR operation `f16ToF32`. */
export function f16ToF32(bits: i32): f32 {
  f16Bits[0] = bits;
  return f16View[0]!;
}

/**
 * A uniform number in [0, 1) that depends only on its arguments: the lowbias32 hash of the mixed words.
 * Source: Chris Wellons, "Prospecting for Hash Functions" (nullprogram.com, 2018).
 */
export function random(seed: i32, a: i32, b: i32, c: i32): f32 {
  const x0 = seed ^ Math.imul(a, 0x9e3779b1 | 0) ^ Math.imul(b, 0x85ebca6b | 0) ^
    Math.imul(c, 0xc2b2ae35 | 0);
  const x1 = Math.imul(x0 ^ (x0 >>> 16), 0x21f0aaad);
  const x2 = Math.imul(x1 ^ (x1 >>> 15), 0x735a2d97);
  const x3 = x2 ^ (x2 >>> 15);
  return ((x3 >>> 8) & 0xffffff) / 16777216.0;
}
