/** Blocks of rows: which rows are one, what it scores, and what stays of a choice that cuts one. */

/** Rows at both ends that belong to no block. */
export interface BlockSpans {
  readonly first: number;
  readonly last: number;
}

/**
 * @param positions true ones, ascending
 * @param options.rows positions of a block; blocks begin at its multiples
 * @returns per row the first row of its block; null for protected rows
 */
export function blockStartsReference(
  positions: ArrayLike<number>,
  { rows, first, last }: BlockSpans & { readonly rows: number },
): (number | null)[] {
  const block = (row: number) => Math.floor(positions[row]! / rows);
  const isCandidate = (row: number) => row >= first && row < positions.length - last;
  return Array.from({ length: positions.length }, (_, row) => {
    if (!isCandidate(row)) return null;
    let start = row;
    while (isCandidate(start - 1) && block(start - 1) === block(row)) start--;
    return start;
  });
}

/** The score of each row's block: the mean or the largest of its rows'; 0 for protected rows. */
export function blockScoresReference(
  scores: ArrayLike<number>,
  starts: readonly (number | null)[],
  kind: "mean" | "max",
): Float64Array {
  return Float64Array.from(starts, (start) => {
    if (start === null) return 0;
    const own: number[] = [];
    for (let row = start; starts[row] === start; row++) own.push(scores[row]!);
    if (kind === "max") return own.reduce((a, b) => Math.max(a, b));
    return own.reduce((a, b) => a + b) / own.length;
  });
}

/**
 * A choice without the rows of a block that it holds in part; as it is where nothing else is in it.
 *
 * @param kept ascending
 */
export function trimBlocksReference(
  kept: readonly number[],
  starts: readonly (number | null)[],
): number[] {
  const all = new Set(kept);
  const isCut = (start: number | null) =>
    start !== null && starts.some((own, row) => own === start && !all.has(row));
  const whole = kept.filter((row) => !isCut(starts[row]!));
  return whole.length > 0 ? whole : [...kept];
}
