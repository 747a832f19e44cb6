/** Softmax weights of logits that are off, and how far f32 may take each from them. First order. */

import { HALF_ULP } from "./rounded_op.ts";

/** A logit and the largest distance of what a target has in its place. */
export interface RoundedLogit {
  readonly value: number;
  readonly error: number;
}

/** A softmax with bounds; sums are of e^(logit − largest). */
export interface RoundedSoftmax {
  readonly largest: RoundedLogit;
  readonly sum: RoundedLogit;
  /** f64, one per logit. */
  readonly weights: Float64Array;
  /** The largest distance of each weight. */
  readonly errors: Float64Array;
}

/** A weight below what f32 holds may be zero. */
export const TINY = 1e-30;

/**
 * The softmax of at least one logit.
 *
 * A weight e^(l − m) is off by the logit's error, the subtraction's and eight half units of its own. Sums
 * over n keys round n times, and a target may rescale what it has every few keys: 4 n + 64 half units
 * cover both sums, the merges of chunks and the division.
 */
export function softmaxBound(logits: readonly RoundedLogit[]): RoundedSoftmax {
  let largest = -Infinity, farthest = 0;
  for (const { value, error } of logits) {
    largest = Math.max(largest, value);
    farthest = Math.max(farthest, error);
  }
  const weights = Float64Array.from(logits, ({ value }) => Math.exp(value - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  const sums = (4 * logits.length + 64) * HALF_ULP;
  const away = Float64Array.from(
    logits,
    ({ value, error }) => Math.expm1(error + HALF_ULP * (2 * Math.abs(value - largest) + 8)),
  );
  let mean = 0;
  for (let i = 0; i < weights.length; i++) mean += (weights[i]! /= sum) * away[i]!;
  return {
    largest: { value: largest, error: farthest },
    // The largest logit of a target may be off the other way.
    sum: { value: sum, error: sum * (mean + Math.expm1(farthest) + sums) },
    weights,
    errors: weights.map((weight, i) => weight * (away[i]! + mean + sums) + TINY),
  };
}

/**
 * A scaled q · k with its bound: headDim + 3 roundings of the products' sizes, and of a key read from codes
 * three more: q · (s·c + m) may be summed as (q·s) · c and q · m.
 *
 * @param sizes of a key's elements; absent: as they are
 */
export function roundedLogit(
  q: ArrayLike<number>,
  key: ArrayLike<number>,
  scale: number,
  sizes?: ArrayLike<number>,
): RoundedLogit {
  let dot = 0, size = 0;
  for (let c = 0; c < q.length; c++) {
    const product = q[c]! * key[c]!;
    dot += product;
    size += sizes ? Math.abs(q[c]!) * sizes[c]! : Math.abs(product);
  }
  const roundings = q.length + (sizes ? 6 : 3);
  return { value: dot * scale, error: roundings * HALF_ULP * size * scale };
}
