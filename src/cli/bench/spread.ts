/** How samples of one thing lie: the middle, and how far from the mean. */

import { mean, quantile } from "../../eval/statistics.ts";

/** The middle of the sorted values; the mean of the two middle ones when there are an even number. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Sample standard deviation; 0 for one value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const average = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - average) ** 2, 0) / (values.length - 1));
}
