/**
 * Compaction: older rows lose channels or become codes on their way into the compressed segments of their
 * stream, behind the rows that are there; the others close up in new pages, the first ones in front where
 * those are never coded.
 */

import { channelsWord } from "../layout/bytes.ts";
import { moveName } from "../layout/name.ts";
import { classRows, keyLists } from "../layout/row_classes.ts";
import type { RowSplit } from "../layout/row_classes.ts";
import { rowSides } from "../layout/types.ts";
import type { Layout, Stream } from "../layout/types.ts";
import {
  compressedOf,
  hasNothing,
  hasSets,
  seenCache,
  storedIn,
  STREAMS,
  withBuffers,
} from "./cache_state.ts";
import type { CacheState, CompressedRows, HeadSizes, StreamName } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import { measureAverages } from "./average_stage.ts";
import { measureCodes } from "./code_stage.ts";
import type { Measurement } from "./compare.ts";
import { withFreshPages } from "./fresh_pages.ts";
import type { RunNamed } from "./kernels.ts";
import { measureMoves, sameSides } from "./moved_rows.ts";
import type { HeadMove } from "./moved_rows.ts";
import type { RowOrder } from "./order_stage.ts";
import { strayBytes } from "./stray_bytes.ts";
import { measureThinned } from "./thin_stage.ts";
import { AT, boundFills, segmentsOf } from "./written_cache.ts";

/** The segments of a stream whose older rows are compressed, by index, keys' first. */
interface StreamMove {
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

const isCoded = (layout: Layout, index: number): boolean =>
  segmentsOf(layout)[index]!.code.kind === "affine";

/** The kernel that moves rows from segment `full` to segment `to`. */
function moveKernel(layout: Layout, { of, compressed, full }: StreamMove, to: number): string {
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
function headMoves(
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

/**
 * Moves a cache's older rows.
 *
 * @param options `order`: of the rows that leave, where they are in classes; `scores`: of channels, f32 [nSlots,
 * nLayers, nKvHeads, headDim], where rows keep channels of their own
 */
export async function moveRows(
  state: CacheState,
  { order, scores, run, ...options }: RowsLeaving & {
    readonly order: RowOrder | null;
    readonly scores: Float32Array<ArrayBuffer> | null;
    readonly run: RunNamed;
  },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { layout } = options;
  const { headDim } = state;
  const old = seenCache(state);
  const streams = movesOf(layout);
  const moving = withFreshPages(old, {
    headDim,
    moves: (index) => streams.some(({ full }) => full === index),
  });
  let { buffers: { arena }, valueFills } = moving.cache;
  const moved: HeadMove[] = [];
  const heads = [...state.heads];
  for (const stream of streams) {
    const { of, compressed, full } = stream;
    const own = heads.map((_, kvHead) => headMoves(state, stream, { ...options, kvHead, order }));
    own.forEach(({ head, moves }, kvHead) => {
      heads[kvHead] = { ...heads[kvHead]!, [of]: head };
      moved.push(...moves);
    });
    for (const [i, to] of [...compressed, full, full].entries()) {
      const lists = own.map(({ lists }) => lists[i]!);
      const isFirst = i > compressed.length;
      if (isFirst && options.first === 0) continue;
      const left = await run(moveKernel(layout, stream, to), {
        defines: { HEAD_DIM: headDim },
        buffers: {
          src_pages: moving.src_pages,
          dst_pages: moving.cache.buffers.pages,
          channels: of === "key" ? old.buffers.channels : old.buffers.value_channels,
          ...(order ? { order: order.buffer } : {}),
          ...(scores ? { scores } : {}),
          ...boundFills({ ...old, valueFills }),
          arena,
          moves: Uint32Array.from([...lists.flatMap((list) => list.map(() => 0)), ...lists.flat()]),
        },
        constants: {
          ...moving.cache.constants,
          ...{ slot: AT.slot, n_kv_heads: N_KV_HEADS },
          max_rows: order && to !== full
            ? order.maxRows
            : Math.max(...lists.map(([, , rows]) => rows!)),
          ...{ n_key_lists: keyLists(layout), key_list: i },
          src_page: old.firstPages[full]!,
          dst_page: old.firstPages[to]!,
        },
      });
      arena = left.arena;
      if (hasNothing(layout, to)) valueFills = left.fills!.slice(old.fills?.length ?? 0);
    }
  }
  const next: CacheState = {
    ...state,
    cache: { ...withBuffers(moving.cache, { arena }), valueFills },
    heads,
  };
  const written = moved.flatMap(({ kvHead, to, before, rows, stored }) =>
    rows.map((_, i) => ({
      ...{ kvHead, index: to, row: before + i, width: stored.channels.length },
      ...(stored.high === undefined ? {} : { high: stored.high }),
    }))
  );
  return {
    state: next,
    measurements: [
      ...measureCodes(state, next, moved.filter(({ to }) => isCoded(layout, to))),
      measureMoves(
        state,
        next,
        moved.filter(({ to }) =>
          !isCoded(layout, to) && !hasSets(layout, to) && !hasNothing(layout, to)
        ),
      ),
      ...measureAverages(state, next, moved.filter(({ to }) => hasNothing(layout, to))),
      ...measureThinned(state, next, {
        moves: moved.filter(({ to }) => hasSets(layout, to)),
        scores,
      }),
      ...sameSides("move", state, next),
      strayBytes("move", { before: moving.cache, after: next.cache }, written),
    ],
  };
}
