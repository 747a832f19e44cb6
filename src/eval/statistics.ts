/**
 * Means over passages and how far they may be trusted: percentile bootstrap intervals. All specs of a run are
 * resampled with the same passages, so intervals of differences are paired. A seed gives the same digits
 * anywhere.
 */

import { randomSource } from "../engine/random.ts";

/** A mean and the 95 % interval of its bootstrap distribution. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Percentiles settle to about 2 % of an interval's width, in milliseconds. */
const RESAMPLES = 2000;
const [LOW, HIGH] = [0.025, 0.975];

/** The mean; NaN of none. */
export const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

/**
 * The q-quantile, linear between neighbours (Hyndman and Fan's type 7).
 *
 * @param values at least one, in any order
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * Mean and 95 % percentile bootstrap interval over passages (Efron, "Bootstrap Methods: Another Look at the
 * Jackknife", Annals of Statistics 7, 1979): passages are drawn with replacement, as many as there are. One
 * passage says nothing about others: low = high = mean.
 *
 * @param values one per passage, at least one
 * @example
 * ```ts
 * import { bootstrap } from "./statistics.ts";
 * const { mean, low, high } = bootstrap([1, 2, 3, 4], 7);
 * if (mean !== 2.5 || !(low < mean && mean < high)) throw new Error("wrong");
 * ```
 */
export function bootstrap(values: readonly number[], seed: number): Interval {
  const n = values.length;
  const random = randomSource(seed);
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor(random() * n)]!;
    return sum / n;
  });
  if (n === 1) return { mean: values[0]!, low: values[0]!, high: values[0]! };
  return { mean: mean(values), low: quantile(means, LOW), high: quantile(means, HIGH) };
}
