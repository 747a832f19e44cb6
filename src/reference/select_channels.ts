/** The choice of channels: the highest scores stay, in ascending order of channel. */

/**
 * @param scores one KV head's scores; one that is no number ranks below every other
 * @param width how many stay
 * @returns the channels that stay, ascending; of equal scores the lower channel
 */
export function selectChannelsReference(scores: ArrayLike<number>, width: number): number[] {
  const score = (c: number) => Number.isNaN(scores[c]!) ? -Infinity : scores[c]!;
  // Equal infinities have no difference, so order is asked for, never subtracted.
  const order = (a: number, b: number) =>
    score(a) > score(b) ? -1 : score(a) < score(b) ? 1 : a - b;
  return Array.from({ length: scores.length }, (_, c) => c)
    .sort(order).slice(0, width).sort((a, b) => a - b);
}
