/**
 * What the cache append makes of one row: rotated query heads, rotated key heads, values as they are.
 * Nothing is rounded here; storing in f16 is the layout's.
 */

import type { Pairing } from "../dsl/pairwise.ts";
import type { HookRunner } from "./hooks.ts";

/** How a row is rotated. */
export interface RotateOptions {
  readonly pairing: Pairing;
  readonly rotate: HookRunner;
  /** f32 [headDim]: cosines of headDim/2 angles, then sines. */
  readonly rope: ArrayLike<number>;
}

/** One head's channels, rotated: f64 [headDim]. */
export function rotateReference(head: ArrayLike<number>, options: RotateOptions): Float64Array {
  const { pairing, rotate, rope } = options;
  const half = head.length / 2;
  const out = new Float64Array(head.length);
  for (let i = 0; i < half; i++) {
    const [a, b] = pairing === "half" ? [i, i + half] : [2 * i, 2 * i + 1];
    const pair = { a: head[a]!, b: head[b]!, cos: rope[i]!, sin: rope[half + i]! };
    [out[a], out[b]] = rotate(pair) as [number, number];
  }
  return out;
}
