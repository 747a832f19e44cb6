/** The place of the largest logit of a row. */

/**
 * @param logits one row's; one that is no number is never the largest
 * @returns the lowest place of the largest; 0 when none is a number
 */
export function argMaxReference(logits: ArrayLike<number>): number {
  let pick: number | undefined;
  for (let place = 0; place < logits.length; place++) {
    const x = logits[place]!;
    if (!Number.isNaN(x) && (pick === undefined || x > logits[pick]!)) pick = place;
  }
  return pick ?? 0;
}
