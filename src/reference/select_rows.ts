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

/**
 * Rows that a head keeps by itself of the `keep` that it brings where heads share their budgets: the protected
 * ones, and of the others the share `floor`.
 */
export function ownRowsReference(
  keep: number,
  { floor, first, last }: { readonly floor: number } & Omit<RowChoice, "keep">,
): number {
  const fixed = Math.min(keep, first + last);
  return fixed + Math.floor(floor * (keep - fixed));
}

/**
 * The choice where the heads of a layer share their budgets: each keeps its own best rows, as many as it has
 * by itself, then the highest scores of all heads stay until Σ keep is met.
 *
 * @param heads `own`: of the `keep` rows that a head brings those that it keeps by itself, protected ones included
 * @param options.trim what is left of either choice of a head; absent: all
 * @returns per head the rows that stay, ascending; of equal scores those of the earlier head, then the lower
 */
export function shareRowsReference(
  heads: readonly {
    readonly scores: ArrayLike<number>;
    readonly keep: number;
    readonly own: number;
  }[],
  { first, last, trim = (kept) => kept }: {
    readonly first: number;
    readonly last: number;
    readonly trim?: (kept: number[], head: number) => number[];
  },
): number[][] {
  const fixed = heads.map(({ scores, own }, head) =>
    new Set(trim(selectRowsReference(scores, { keep: own, first, last }), head))
  );
  const score = (x: number) => Number.isNaN(x) ? -Infinity : x;
  const rest = heads.flatMap(({ scores }, head) =>
    Array.from(scores, (x, row) => ({ head, row, score: score(x) }))
      .filter(({ row }) => !fixed[head]!.has(row))
  );
  // Sorting is stable: of equal scores the earlier head and the lower row come first.
  const best = rest.toSorted((a, b) => a.score < b.score ? 1 : a.score > b.score ? -1 : 0);
  const total = heads.reduce((sum, { keep }, h) => sum + keep - fixed[h]!.size, 0);
  for (const { head, row } of best.slice(0, total)) fixed[head]!.add(row);
  return fixed.map((rows, head) => trim([...rows].sort((a, b) => a - b), head));
}
