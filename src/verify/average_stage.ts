/**
 * What values read as of which nothing is stored: the mean of the rows that were the first of their segment. Rows
 * that join them change nothing.
 */

import { rowOf, valueFillsOf } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { meanOf } from "./coding_losses_stage.ts";
import type { Measurement } from "./compare.ts";
import type { HeadMove } from "./moved_rows.ts";

/** The means of every head that has moved rows to such a segment, `moves` says which. */
export function measureAverages(
  state: CacheState,
  next: CacheState,
  moves: readonly HeadMove[],
): Measurement[] {
  if (moves.length === 0) return [];
  const { headDim } = state;
  const [got, want, bound]: number[][] = [[], [], []];
  for (const { kvHead, from, before, rows } of moves) {
    got!.push(...valueFillsOf(next, kvHead));
    const values = rows.map((row) =>
      rowOf(state.cache, { kvHead, index: from, row, width: headDim })
    );
    const isFirst = before === 0 && rows.length > 0;
    valueFillsOf(state, kvHead).forEach((had, c) => {
      const { value, error } = isFirst
        ? meanOf(values.map((row) => row[c]!))
        : { value: had, error: 0 };
      want!.push(value);
      bound!.push(error);
    });
  }
  const dims = [{ name: "head", size: moves.length }, { name: "channel", size: headDim }];
  return [{ kernel: "average rows", dims, got: got!, want: want!, bound: bound! }];
}
