/** Rows that have channels of their own: what missing channels read as, and which stay. */

import { selectChannelsReference } from "./select_channels.ts";

/**
 * What the channels of a head's keys read as that a row lacks: their means, as f16.
 *
 * @param keys f64 [rows][headDim], one row or more
 */
export const keyMeansReference = (keys: readonly ArrayLike<number>[]): number[] =>
  Array.from(
    { length: keys[0]!.length },
    (_, c) => Math.f16round(keys.reduce((sum, row) => sum + row[c]!, 0) / keys.length),
  );

/**
 * The channels that a row keeps, ascending: those with the largest score · (k − fill)², each step rounded to
 * f32 as kernels do, so that ties are theirs.
 *
 * @param key one row, f32 [headDim]
 */
export function thinRowReference(
  key: ArrayLike<number>,
  { scores, fills, width }: {
    /** f32 [headDim] each. */
    readonly scores: ArrayLike<number>;
    readonly fills: ArrayLike<number>;
    readonly width: number;
  },
): number[] {
  const worth = Array.from(key, (k, c) => {
    const off = Math.fround(k - fills[c]!);
    return Math.fround(Math.fround(scores[c]! * off) * off);
  });
  return selectChannelsReference(worth, width);
}
