/**
 * Coded rows become whole ones again, in front of those that are: what an eviction begins with, since rows
 * that share scales cannot leave one by one. Channels that are not stored read as zero.
 */

import { moveName } from "../layout/name.ts";
import type { Layout, Stream } from "../layout/types.ts";
import { decoded } from "../reference/codes.ts";
import { compressedOf, placeOf, rowOf, seenCache, withBuffers } from "./cache_state.ts";
import type { CacheState, HeadSizes } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { withFreshPages } from "./fresh_pages.ts";
import type { RunNamed } from "./kernels.ts";
import { movesOf } from "./move_stage.ts";
import { measureMoves, samePositions } from "./moved_rows.ts";
import type { HeadMove } from "./moved_rows.ts";
import { HALF_ULP } from "./rounded_op.ts";
import { storedBound } from "./stored_bound.ts";
import { strayBytes } from "./stray_bytes.ts";
import { AT, readCodes, segmentsOf, stored } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";

/** The streams of a layout that have a coded segment, which where rows are evicted is one. */
const codedStreams = (layout: Layout) =>
  movesOf(layout).flatMap(({ of, compressed: [coded], full }) =>
    segmentsOf(layout)[coded!]!.code.kind === "affine" ? [{ of, coded: coded!, full }] : []
  );

/** The kernels that make a stream's rows whole: of coded ones, then of whole ones that move behind them. */
function kernelsOf(layout: Layout, { of, coded, full }: ReturnType<typeof codedStreams>[number]) {
  const segments = segmentsOf(layout);
  const positions = of === "value" && layout.rowPositions;
  return [coded, full].map((from, i) => {
    const move = moveName({ from: segments[from]!, to: segments[full]!, positions });
    return { from, name: `${i === 0 ? "decode" : "move"}_rows__${move}` };
  });
}

/** The kernels of an expansion; none where nothing is coded. */
export const expandNames = (layout: Layout): string[] =>
  codedStreams(layout).flatMap((stream) => kernelsOf(layout, stream).map(({ name }) => name));

const withoutCodes = ({ segments }: Stream): Stream => ({
  segments: segments.filter(({ code }) => code.kind !== "affine"),
});

/** The part of a layout whose rows can be taken one by one. */
export const wholeLayout = (layout: Layout): Layout => ({
  ...layout,
  key: withoutCodes(layout.key),
  value: withoutCodes(layout.value),
});

/** The part of a cache whose rows can be taken one by one, as kernels that evict see it. */
export function wholeRows(state: CacheState): WrittenCache {
  const cache = seenCache(state);
  const segments = segmentsOf(cache.layout);
  const own = segments.flatMap(({ code }, i) => code.kind === "affine" ? [] : [i]);
  const { heads } = cache.buffers;
  const pairs = Array.from(
    { length: heads.length / 2 / segments.length },
    (_, head) =>
      own.flatMap((i) => {
        const pair = 2 * (head * segments.length + i);
        return [heads[pair]!, heads[pair + 1]!];
      }),
  );
  return {
    ...withBuffers(cache, { heads: Uint32Array.from(pairs.flat()) }),
    layout: wholeLayout(cache.layout),
    firstPages: own.map((i) => cache.firstPages[i]!),
  };
}

/** Makes whole rows of a cache's coded ones. */
export async function expandRows(
  state: CacheState,
  { layout, run }: { readonly layout: Layout; readonly run: RunNamed },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const streams = codedStreams(layout)
    .filter(({ of }) => state.heads.some((head) => compressedOf(head[of]) > 0));
  if (streams.length === 0) return { state, measurements: [] };
  const { headDim } = state;
  const old = seenCache(state);
  const moving = withFreshPages(old, {
    headDim,
    moves: (index) => streams.some(({ full }) => full === index),
  });
  let { arena } = moving.cache.buffers;
  for (const stream of streams) {
    const { of, full } = stream;
    for (const [i, { from, name }] of kernelsOf(layout, stream).entries()) {
      const lists = state.heads.map((head) => {
        const coded = compressedOf(head[of]);
        const { length } = head[of].channels;
        return i === 0 ? [0, 0, coded, length] : [0, coded, head.rows - coded, headDim];
      });
      ({ arena } = await run(name, {
        defines: { HEAD_DIM: headDim },
        buffers: {
          ...{ src_pages: moving.src_pages, dst_pages: moving.cache.buffers.pages, arena },
          channels: of === "key" ? old.buffers.channels : old.buffers.value_channels,
          moves: Uint32Array.from([...lists.flatMap((list) => list.map(() => 0)), ...lists.flat()]),
        },
        constants: {
          ...moving.cache.constants,
          ...{ slot: AT.slot, n_kv_heads: N_KV_HEADS },
          max_rows: Math.max(...lists.map(([, , rows]) => rows!)),
          ...{ src_page: old.firstPages[from]!, dst_page: old.firstPages[full]! },
        },
      }));
    }
  }
  const none = (head: HeadSizes, of: "key" | "value") =>
    streams.some((stream) => stream.of === of) ? { ...head[of], compressed: [0] } : head[of];
  const next: CacheState = {
    ...state,
    cache: withBuffers(moving.cache, { arena }),
    heads: state.heads.map((head) => ({
      ...{ rows: head.rows, key: none(head, "key"), value: none(head, "value") },
    })),
  };
  const written = streams.flatMap(({ of }) =>
    next.heads.flatMap(({ rows }, kvHead) =>
      Array.from({ length: rows }, (_, row) => placeOf(next, { of, kvHead, row }))
    )
  );
  const closing = streams.flatMap(({ of, full }) =>
    state.heads.map((head, kvHead): HeadMove => {
      const before = compressedOf(head[of]);
      const rows = Array.from({ length: head.rows - before }, (_, row) => row);
      const channels = Array.from({ length: headDim }, (_, c) => c);
      return { kvHead, from: full, to: full, before, rows, stored: { channels } };
    })
  );
  return {
    state: next,
    measurements: [
      ...streams.map(({ of }) => measure(state, next, of)),
      ...samePositions("decode rows", state, next),
      measureMoves(state, next, closing),
      strayBytes("decode rows", { before: moving.cache, after: next.cache }, written),
    ],
  };
}

/** Every channel of the rows that were codes: a product and a sum, rounded once each, then stored. */
function measure(state: CacheState, next: CacheState, of: "key" | "value"): Measurement {
  const { headDim } = state;
  const [got, want, bound]: number[][] = [[], [], []];
  const full = segmentsOf(next.cache.layout)[placeOf(next, { of, kvHead: 0, row: 0 }).index]!;
  const store = (x: number) => stored(x, full);
  const { arena } = state.cache.buffers;
  state.heads.forEach((head, kvHead) => {
    const { channels } = head[of];
    for (let row = 0; row < compressedOf(head[of]); row++) {
      const at = { ...placeOf(state, { of, kvHead, row }), nKvHeads: N_KV_HEADS, arena };
      const values = new Float64Array(headDim);
      const errors = new Float64Array(headDim);
      readCodes(state.cache, at).forEach((element, i) => {
        const { scale, code, minimum } = element;
        const value = decoded(element);
        const error = 2 * HALF_ULP * (Math.abs(scale * code) + Math.abs(minimum));
        values[channels[i]!] = store(value);
        errors[channels[i]!] = storedBound({ value, error }, store);
      });
      got!.push(...rowOf(next.cache, placeOf(next, { of, kvHead, row })));
      want!.push(...values);
      bound!.push(...errors);
    }
  });
  const dims = [{ name: `channel of decoded ${of}s`, size: got!.length }];
  return { kernel: "decode rows", dims, got: got!, want: want!, bound: bound! };
}
