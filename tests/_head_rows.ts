/** Rows of random keys and values for kernels around a cache, in the default model's heads. */

import { randomFrom } from "./_kernel.ts";
import type { HeadRows } from "./_kv_cache.ts";

/** Of the default model. */
export const [N_KV_HEADS, GROUP] = [3, 3];
export const N_HEADS = N_KV_HEADS * GROUP;

/** Rows of one KV head, of which the first `listed` keys store two thirds of their channels. */
export function rowsOf(
  n: number,
  options: { headDim: number; seed: number; listed?: number },
): HeadRows {
  const { headDim, seed, listed = 0 } = options;
  const random = randomFrom(seed);
  const row = () => Float32Array.from({ length: headDim }, () => Math.f16round(2 * random()));
  const channels = Array.from({ length: headDim }, (_, c) => c).filter((c) => c % 3 !== seed % 3);
  const rows = () => Array.from({ length: n }, row);
  return { keys: rows(), values: rows(), nListed: listed, channels };
}

/** One for each KV head. */
export const SEEDS = Array.from({ length: N_KV_HEADS }, (_, i) => i + 1);
