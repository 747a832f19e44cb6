/** Seeded numbers for the cases: the same on every run and every machine. */

import type { CacheType } from "../layout/steps.ts";
import type { Numbers } from "./cases.ts";

/** Uniform in [−1, 1), by a linear congruential generator. */
export function randomFrom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

/** The seed of a variant's case: variants meet other numbers. */
export const seedOf = (variant: string, index: number): number =>
  [...variant].reduce((hash, c) => Math.imul(hash, 31) + c.charCodeAt(0) | 0, index + 1);

/** How a list of rows is made. */
export interface RowsOptions {
  readonly headDim: number;
  readonly numbers: Numbers;
  /** What they are stored as: halves are made as halves, so that storing them changes nothing. */
  readonly type: CacheType;
}

/**
 * `n` rows, f32 [headDim] each, within ±2. With outliers one channel is twelve times larger and one is
 * zero, and the first row, where models put what they attend to for want of anything else, is doubled.
 */
export function randomRows(
  n: number,
  random: () => number,
  { headDim, numbers, type }: RowsOptions,
): Float32Array[] {
  const round = type === "f16" ? Math.f16round : Math.fround;
  const gain = (row: number, channel: number) =>
    numbers === "plain" ? 1 : (row === 0 ? 2 : 1) * (channel === 3 ? 12 : channel === 5 ? 0 : 1);
  return Array.from({ length: n }, (_, row) => {
    const values = new Float32Array(headDim);
    for (let c = 0; c < headDim; c++) values[c] = round(2 * random() * gain(row, c));
    return values;
  });
}

/** `width` channels out of headDim, ascending. */
export function randomChannels(width: number, headDim: number, random: () => number): number[] {
  return Array.from({ length: headDim }, (_, c) => ({ c, order: random() }))
    .sort((a, b) => a.order - b.order).slice(0, width).map(({ c }) => c).sort((a, b) => a - b);
}
