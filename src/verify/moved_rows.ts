/** Rows that went to another place as they are: bits, and the positions that they carry. */

import { positionOf, rowOf } from "./cache_state.ts";
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

/** Where rows carry positions: each one's, which is what it was, since a row keeps its place among all. */
export function samePositions(kernel: string, state: CacheState, next: CacheState): Measurement[] {
  if (!state.cache.layout.rowPositions) return [];
  const read = (from: CacheState) =>
    from.heads.flatMap(({ rows }, kvHead) =>
      Array.from({ length: rows }, (_, row) => positionOf(from, kvHead, row))
    );
  const [got, want] = [read(next), read(state)];
  return [{ kernel, dims: [{ name: "position of row", size: got.length }], got, want }];
}
