/**
 * Which rows a compaction moves, and by which kernels: out of the full segment of each stream that has more than
 * one, into the compressed ones, and within it.
 */

import { channelsWord } from "../layout/bytes.ts";
import { moveName } from "../layout/name.ts";
import { classRows } from "../layout/row_classes.ts";
import type { RowSplit } from "../layout/row_classes.ts";
import { rowSides } from "../layout/types.ts";
import type { Layout, Stream } from "../layout/types.ts";
import { compressedOf, hasNothing, hasSets, storedIn, STREAMS } from "./cache_state.ts";
import type { CacheState, CompressedRows, HeadSizes, StreamName } from "./cache_state.ts";
import type { HeadMove } from "./moved_rows.ts";
import type { RowOrder } from "./order_stage.ts";
import { segmentsOf } from "./written_cache.ts";

/** The segments of a stream whose older rows are compressed, by index, keys' first. */
export interface StreamMove {
  readonly of: StreamName;
  readonly compressed: readonly number[];
  /** Where whole rows lie. */
  readonly full: number;
}

/** Which rows of a layer move. */
export interface RowsLeaving {
  /** The cache's, with its flushes. */
  readonly layout: Layout;
  /** Last rows of each stream that keep every channel. */
  readonly recent: Readonly<Record<StreamName, number>>;
  /** First rows that are never coded. */
  readonly first: number;
  /** How coded rows are split in classes; null: they are alike. */
  readonly split: RowSplit | null;
}

/** The streams of a layout that have more than one segment. */
export const movesOf = (layout: Layout): StreamMove[] =>
  STREAMS.flatMap((of) => {
    const start = of === "key" ? 0 : layout.key.segments.length;
    const n = layout[of].segments.length;
    const indices = Array.from({ length: n }, (_, i) => start + i);
    return n < 2 ? [] : [{ of, compressed: indices.slice(0, -1), full: indices.at(-1)! }];
  });

export const isCoded = (layout: Layout, index: number): boolean =>
  segmentsOf(layout)[index]!.code.kind === "affine";

/** The kernel that moves rows from segment `full` to segment `to`. */
export function moveKernel(
  layout: Layout,
  { of, compressed, full }: StreamMove,
  to: number,
): string {
  const segments = segmentsOf(layout);
  const codes = compressed.length > 1 ? "encode_ordered" : "encode";
  const whole = hasSets(layout, to) ? "thin" : hasNothing(layout, to) ? "average" : "move";
  const sides = rowSides(layout, of);
  return `${isCoded(layout, to) ? codes : whole}_rows__${
    moveName({ from: segments[full]!, to: segments[to]!, sides })
  }`;
}

/** The kernels a compaction runs: out of each full segment, and within it. */
export const moveNames = (layout: Layout): string[] =>
  movesOf(layout).flatMap((move) =>
    [...move.compressed, move.full].map((to) => moveKernel(layout, move, to))
  );

/** How many of a head's whole rows of a stream leave. */
export function rowsLeaving(
  { layout, recent, first, split }: RowsLeaving,
  of: StreamName,
  head: HeadSizes,
): number {
  const full = Math.max(0, head.rows - compressedOf(head[of]) - first);
  // Where rows are in classes both streams hold the same ones.
  return leaving(layout[of], full, split ? Math.max(recent.key, recent.value) : recent[of]);
}

/**
 * All but the last `recent`; where they become codes, as many units as leave those rows whole that the layout
 * keeps so.
 */
function leaving({ segments }: Stream, full: number, recent: number): number {
  const { flush } = segments.at(-1)!;
  if (flush === null) return Math.max(0, full - recent);
  const stay = Math.max(recent, flush.atRows - flush.rows);
  const unit = flush.unit ?? flush.rows;
  return Math.floor(Math.max(0, full - stay) / unit) * unit;
}

/** The moves of a head's rows of a stream, to every compressed segment and within the full one. */
export function headMoves(
  state: CacheState,
  { of, compressed, full }: StreamMove,
  { kvHead, order, ...options }: RowsLeaving & {
    readonly kvHead: number;
    readonly order: RowOrder | null;
  },
): { moves: HeadMove[]; lists: number[][]; head: CompressedRows } {
  const { heads, headDim } = state;
  const head = heads[kvHead]!;
  const whole = head.rows - compressedOf(head[of]);
  const moved = rowsLeaving(options, of, head);
  const nFirst = Math.min(options.first, whole);
  const due = order?.rows[kvHead] ?? Array.from({ length: moved }, (_, i) => nFirst + i);
  const { compressed: before } = head[of];
  const after = classRows(options.split, compressedOf(head[of]) + moved);
  const all = { channels: Array.from({ length: headDim }, (_, c) => c) };
  const within = { kvHead, from: full, to: full, stored: all };
  const stays = Array.from({ length: whole - nFirst - moved }, (_, i) => nFirst + moved + i);
  const firsts = Array.from({ length: nFirst }, (_, i) => i);
  const lists: number[][] = [];
  let start = 0;
  const moves = compressed.map((to, i): HeadMove => {
    const n = after[i]! - before[i]!;
    const rows = due.slice(start, start + n);
    const stored = storedIn(head[of], i);
    const width = channelsWord({ width: stored.channels.length, high: stored.high ?? 0 });
    lists.push([order ? start : nFirst + start, before[i]!, n, width]);
    start += n;
    return { kvHead, from: full, to, before: before[i]!, rows, stored };
  });
  return {
    moves: [
      ...moves,
      { ...within, before: nFirst, rows: stays },
      { ...within, before: 0, rows: firsts },
    ],
    lists: [...lists, [nFirst + moved, nFirst, stays.length, headDim], [0, 0, nFirst, headDim]],
    head: { ...head[of], compressed: after },
  };
}
