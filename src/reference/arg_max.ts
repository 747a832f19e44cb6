/** The place of the largest logit of a row, and what is left of it on the way there. */

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

/**
 * The largest of each group of a row's logits and its place; NaN and the group's first where none is a number.
 *
 * @param size logits of a group; the last may have fewer
 */
export function largestOfGroups(
  logits: ArrayLike<number>,
  size: number,
): { readonly largest: number[]; readonly places: number[] } {
  const all = Array.from(logits);
  const places = Array.from({ length: Math.ceil(logits.length / size) }, (_, group) => {
    const own = all.slice(group * size, (group + 1) * size);
    return group * size + argMaxReference(own);
  });
  return { largest: places.map((place) => logits[place]!), places };
}
