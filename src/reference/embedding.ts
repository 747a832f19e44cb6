/** The embedding gather: rows of a matrix by token, each value through the author's function. */

import type { HookRunner } from "./hooks.ts";

/** What to gather from. */
export interface EmbeddingTable {
  /** f32 [nVocab, width], dequantised. */
  readonly weight: ArrayLike<number>;
  readonly width: number;
  readonly each: HookRunner;
}

/** f64 [tokens.length, width] */
export function embeddingReference(
  tokens: ArrayLike<number>,
  { weight, width, each }: EmbeddingTable,
): Float64Array {
  return Float64Array.from(
    { length: tokens.length * width },
    (_, i) => each(weight[tokens[Math.floor(i / width)]! * width + i % width]!)[0] as number,
  );
}
