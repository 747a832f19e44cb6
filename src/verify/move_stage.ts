/**
 * Compaction: older rows lose channels or become codes on their way into the first of two segments of their
 * stream, behind the rows that are there; the others close up in new pages.
 */

import { moveName } from "../layout/name.ts";
import type { Layout, Stream } from "../layout/types.ts";
import { rowOf, seenCache, sizesOf, withBuffers } from "./cache_state.ts";
import type { CacheState, HeadSizes } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import { measureCodes } from "./code_stage.ts";
import type { Measurement } from "./compare.ts";
import { withFreshPages } from "./fresh_pages.ts";
import type { RunNamed } from "./kernels.ts";
import { strayBytes } from "./stray_bytes.ts";
import { AT, segmentsOf } from "./written_cache.ts";

/** The segments of a stream whose older rows are compressed: where whole rows lie, and where they go. */
interface StreamMove {
  readonly of: "key" | "value";
  readonly compressed: number;
  readonly full: number;
}

/** Rows of one KV head that leave the full segment, for `to`, behind the rows that are there. */
export interface HeadMove {
  readonly kvHead: number;
  /** Segments by index, keys' first. */
  readonly from: number;
  readonly to: number;
  readonly before: number;
  readonly rows: number;
  /** Channels that `to` stores. */
  readonly channels: readonly number[];
}

/** The streams of a layout that have two segments. */
function movesOf({ key, value }: Layout): StreamMove[] {
  const nKey = key.segments.length;
  return [
    ...(nKey > 1 ? [{ of: "key", compressed: 0, full: nKey - 1 } as const] : []),
    ...(value.segments.length > 1
      ? [{ of: "value", compressed: nKey, full: nKey + value.segments.length - 1 } as const]
      : []),
  ];
}

/** The kernel that moves rows from segment `full` to segment `to`. */
function moveKernel(layout: Layout, { of, full }: StreamMove, to: number): string {
  const segments = segmentsOf(layout);
  const kind = segments[to]!.code.kind === "affine" ? "encode" : "move";
  const positions = of === "value" && layout.rowPositions;
  return `${kind}_rows__${moveName({ from: segments[full]!, to: segments[to]!, positions })}`;
}

/** The kernels a compaction runs: out of each full segment, and within it. */
export const moveNames = (layout: Layout): string[] =>
  movesOf(layout).flatMap((move) =>
    [move.compressed, move.full].map((to) => moveKernel(layout, move, to))
  );

/**
 * How many of `full` whole rows leave: all but the last `recent`; where they become codes, as many units as
 * leave those rows whole that the layout keeps so.
 */
export function rowsLeaving({ segments }: Stream, full: number, recent: number): number {
  const { flush } = segments.at(-1)!;
  if (flush === null) return Math.max(0, full - recent);
  const stay = Math.max(recent, flush.atRows - flush.rows);
  return Math.floor(Math.max(0, full - stay) / flush.rows) * flush.rows;
}

/**
 * Moves a cache's older rows.
 *
 * @param options `layout`: the cache's, with its flushes; `recent`: last rows of keys that keep every channel
 */
export async function moveRows(
  state: CacheState,
  { layout, recent, run }: {
    readonly layout: Layout;
    readonly recent: number;
    readonly run: RunNamed;
  },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { headDim } = state;
  const old = seenCache(state);
  const streams = movesOf(layout);
  const leaving = ({ of, full }: StreamMove, head: HeadSizes) =>
    rowsLeaving(
      layout[of],
      sizesOf(layout, head, headDim)[full]!.rows,
      of === "key" ? recent : 0,
    );
  const heads = state.heads.map((head): HeadSizes => {
    const moved = (of: StreamMove["of"]) =>
      streams.filter((move) => move.of === of).reduce((n, move) => n + leaving(move, head), 0);
    return { ...head, listed: head.listed + moved("key"), coded: head.coded + moved("value") };
  });
  const moving = withFreshPages(old, {
    headDim,
    moves: (index) => streams.some(({ full }) => full === index),
  });
  let { arena } = moving.cache.buffers;
  const moved: HeadMove[] = [];
  for (const stream of streams) {
    const { compressed, full } = stream;
    for (const to of [compressed, full]) {
      const own = state.heads.map((head, kvHead) => {
        const sizes = sizesOf(layout, head, headDim);
        const rows = leaving(stream, head);
        const [before, width] = [sizes[compressed]!.rows, sizes[compressed]!.width];
        const channels = stream.of === "key"
          ? head.channels
          : Array.from({ length: headDim }, (_, c) => c);
        if (to === compressed) moved.push({ kvHead, from: full, to, before, rows, channels });
        return to === compressed
          ? [0, before, rows, width]
          : [rows, 0, sizes[full]!.rows - rows, headDim];
      });
      ({ arena } = await run(moveKernel(layout, stream, to), {
        defines: { HEAD_DIM: headDim },
        buffers: {
          src_pages: moving.src_pages,
          dst_pages: moving.cache.buffers.pages,
          ...{ channels: old.buffers.channels, arena },
          moves: Uint32Array.from([...own.flatMap((move) => move.map(() => 0)), ...own.flat()]),
        },
        constants: {
          ...moving.cache.constants,
          ...{ slot: AT.slot, n_kv_heads: N_KV_HEADS },
          max_rows: Math.max(...own.map(([, , rows]) => rows!)),
          src_page: old.firstPages[full]!,
          dst_page: old.firstPages[to]!,
        },
      }));
    }
  }
  const next: CacheState = { ...state, cache: withBuffers(moving.cache, { arena }), heads };
  const stays = streams.flatMap(({ full }) => stayed(next, full));
  const written = [...moved, ...stays].flatMap(({ kvHead, to, before, rows, channels }) =>
    Array.from({ length: rows }, (_, i) => ({
      ...{ kvHead, index: to, row: before + i, width: channels.length },
    }))
  );
  const isCoded = ({ to }: HeadMove) => segmentsOf(layout)[to]!.code.kind === "affine";
  return {
    state: next,
    measurements: [
      ...measureCodes(state, next, moved.filter(isCoded)),
      measure(state, next, [...moved.filter((move) => !isCoded(move)), ...stays]),
      strayBytes("move", { before: moving.cache, after: next.cache }, written),
    ],
  };
}

/** Rows of segment `full` that only close up: as moves within it, from behind those that left. */
const stayed = (next: CacheState, full: number): HeadMove[] =>
  next.heads.map((head, kvHead): HeadMove => {
    const { rows, width } = sizesOf(next.cache.layout, head, next.headDim)[full]!;
    const channels = Array.from({ length: width }, (_, c) => c);
    return { kvHead, from: full, to: full, before: 0, rows, channels };
  });

/** The channels of every row that was moved, whole: bits, since rows only move. */
function measure(state: CacheState, next: CacheState, moves: readonly HeadMove[]): Measurement {
  const { headDim } = state;
  const [got, want]: [number[], number[]] = [[], []];
  for (const { kvHead, from, to, before, rows, channels } of moves) {
    const full = sizesOf(state.cache.layout, state.heads[kvHead]!, headDim)[from]!.rows;
    for (let i = 0; i < rows; i++) {
      // What stays are the last rows, what leaves are the first.
      const row = from === to ? full - rows + i : i;
      const source = rowOf(state.cache, { kvHead, index: from, row, width: headDim });
      want.push(...channels.map((channel) => source[channel]!));
      got.push(
        ...rowOf(next.cache, { kvHead, index: to, row: before + i, width: channels.length }),
      );
    }
  }
  return { kernel: "move", dims: [{ name: "channel of moved rows", size: got.length }], got, want };
}
