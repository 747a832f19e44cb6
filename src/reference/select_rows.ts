/** The choice of rows: protected ones and the highest scores stay, in ascending order. */

/** Rows that stay whatever their score, and how many stay in all. */
export interface RowChoice {
  readonly keep: number;
  readonly first: number;
  readonly last: number;
}

/**
 * @param scores one KV head's; one that is no number ranks below every other
 * @returns `keep` rows, ascending; of equal scores the lower row. Everything when there are no more rows.
 */
export function selectRowsReference(
  scores: ArrayLike<number>,
  { keep, first, last }: RowChoice,
): number[] {
  const rows = Array.from({ length: scores.length }, (_, row) => row);
  if (keep >= rows.length) return rows;
  const score = (row: number) => Number.isNaN(scores[row]!) ? -Infinity : scores[row]!;
  const end = rows.length - last;
  const isCandidate = (row: number) => row >= first && row < end;
  // Equal infinities have no difference, so order is asked for, never subtracted.
  const order = (a: number, b: number) =>
    score(a) > score(b) ? -1 : score(a) < score(b) ? 1 : a - b;
  const chosen = rows.filter(isCandidate).sort(order).slice(0, Math.max(0, keep - first - last));
  return [...rows.filter((row) => !isCandidate(row)), ...chosen].sort((a, b) => a - b);
}
