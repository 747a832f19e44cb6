/** Rows that went to another place as they are: bits, and what they carry. */

import { positionsOf, rowOf, sumsOf } from "./state_rows.ts";
import type { CacheState, CompressedRows } from "./cache_state.ts";
import type { Measurement } from "./compare.ts";

/** Rows of one KV head that leave the full segment, for `to`, behind the rows that are there. */
export interface HeadMove {
  readonly kvHead: number;
  /** Segments by index, keys' first. */
  readonly from: number;
  readonly to: number;
  readonly before: number;
  /** Places in `from`, in the order in which they come. */
  readonly rows: readonly number[];
  /** What `to` stores, and how many of the first class. */
  readonly stored: Omit<CompressedRows, "compressed">;
}

/** The channels of every row that was moved, whole: bits, since rows only move. */
export function measureMoves(
  state: CacheState,
  next: CacheState,
  moves: readonly HeadMove[],
): Measurement {
  const { headDim } = state;
  const [got, want]: [number[], number[]] = [[], []];
  for (const { kvHead, from, to, before, rows, stored: { channels } } of moves) {
    rows.forEach((row, i) => {
      const source = rowOf(state.cache, { kvHead, index: from, row, width: headDim });
      want.push(...channels.map((channel) => source[channel]!));
      got.push(
        ...rowOf(next.cache, { kvHead, index: to, row: before + i, width: channels.length }),
      );
    });
  }
  return { kernel: "move", dims: [{ name: "channel of moved rows", size: got.length }], got, want };
}

/** Positions and sums of rows that carry them: each one's, which is what it was, since a row keeps its place among all. */
export function sameSides(kernel: string, state: CacheState, next: CacheState): Measurement[] {
  const same = (what: string, read: (from: CacheState, kvHead: number) => number[]) => {
    const [got, want] = [next, state].map((from) => from.heads.flatMap((_, i) => read(from, i)));
    return { kernel, dims: [{ name: what, size: got!.length }], got: got!, want: want! };
  };
  const { rowPositions, rowSums } = state.cache.layout;
  return [
    ...(rowPositions ? [same("position of row", positionsOf)] : []),
    ...(rowSums ? [same("sum of row", sumsOf)] : []),
  ];
}
