/**
 * Compressed rows become whole ones again, in front of those that are: what an eviction begins with where rows
 * share scales or have channels of their own, and since values are read with every channel. Channels that are
 * not stored read as zero, or as their means.
 */

import { becomesWhole } from "../layout/becomes_whole.ts";
import { moveName } from "../layout/name.ts";
import { rowSides } from "../layout/types.ts";
import type { Layout, Stream } from "../layout/types.ts";
import { compressedOf, seenCache, withBuffers } from "./cache_state.ts";
import { headRows, placeOf, rowOf } from "./state_rows.ts";
import type { CacheState, HeadSizes, StreamName } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { withFreshPages } from "./fresh_pages.ts";
import type { RunNamed } from "./kernels.ts";
import { movesOf } from "./rows_leaving.ts";
import { measureMoves, sameSides } from "./moved_rows.ts";
import type { HeadMove } from "./moved_rows.ts";
import { HALF_ULP } from "./rounded_op.ts";
import { storedBound } from "./stored_bound.ts";
import { strayBytes } from "./stray_bytes.ts";
import { AT, isKey, segmentsOf, stored } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";

/** The streams of a layout that have such a segment, which where rows are evicted is one. */
const expandedStreams = (layout: Layout) =>
  movesOf(layout).flatMap(({ of, compressed: [first], full }) =>
    becomesWhole(of, segmentsOf(layout)[first!]!) ? [{ of, compressed: first!, full }] : []
  );

/** The kernels that make a stream's rows whole, and that move the others behind them. */
function kernelsOf(
  layout: Layout,
  { of, compressed, full }: ReturnType<typeof expandedStreams>[number],
) {
  const segments = segmentsOf(layout);
  const { code, channels } = segments[compressed]!;
  const deed = channels === "bitmap" ? "fill" : code.kind === "affine" ? "decode" : "move";
  const sides = rowSides(layout, of);
  return [compressed, full].map((from) => {
    const move = moveName({ from: segments[from]!, to: segments[full]!, sides });
    return { from, name: `${from === full ? "move" : deed}_rows__${move}` };
  });
}

/** The kernels of an expansion; none where nothing needs it. */
export const expandNames = (layout: Layout): string[] =>
  expandedStreams(layout).flatMap((stream) => kernelsOf(layout, stream).map(({ name }) => name));

const wholeSegments = (of: StreamName, { segments }: Stream): Stream => ({
  segments: segments.filter((segment) => !becomesWhole(of, segment)),
});

/** The part of a layout whose rows can be taken one by one. */
export const wholeLayout = (layout: Layout): Layout => ({
  ...layout,
  key: wholeSegments("key", layout.key),
  value: wholeSegments("value", layout.value),
});

/** The part of a cache whose rows can be taken one by one, as kernels that evict see it. */
export function wholeRows(state: CacheState): WrittenCache {
  const cache = seenCache(state);
  const segments = segmentsOf(cache.layout);
  const own = segments.flatMap((segment, i) =>
    becomesWhole(isKey(cache.layout, i) ? "key" : "value", segment) ? [] : [i]
  );
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

/** Makes whole rows of a cache's compressed ones, where an eviction reads no others. */
export async function expandRows(
  state: CacheState,
  { layout, run }: { readonly layout: Layout; readonly run: RunNamed },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const streams = expandedStreams(layout)
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
          ...(old.fills ? { fills: old.fills } : {}),
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
  const none = (head: HeadSizes, of: StreamName) =>
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
      ...sameSides("make rows whole", state, next),
      measureMoves(state, next, closing),
      strayBytes("make rows whole", { before: moving.cache, after: next.cache }, written),
    ],
  };
}

/** Every channel of the rows that were compressed; of codes a product and a sum, rounded once each, then stored. */
function measure(state: CacheState, next: CacheState, of: StreamName): Measurement {
  const [got, want, bound]: number[][] = [[], [], []];
  const full = segmentsOf(next.cache.layout)[placeOf(next, { of, kvHead: 0, row: 0 }).index]!;
  const store = (x: number) => stored(x, full);
  const list = of === "key" ? "keys" : "values";
  state.heads.forEach((head, kvHead) => {
    const { sizes, ...seen } = headRows(state, kvHead);
    for (let row = 0; row < compressedOf(head[of]); row++) {
      got!.push(...rowOf(next.cache, placeOf(next, { of, kvHead, row })));
      seen[list][row]!.forEach((value, c) => {
        const error = 3 * HALF_ULP * (sizes?.[list][row]?.[c] ?? 0);
        want!.push(store(value));
        bound!.push(storedBound({ value, error }, store));
      });
    }
  });
  const dims = [{ name: `channel of ${list} made whole`, size: got!.length }];
  return { kernel: "make rows whole", dims, got: got!, want: want!, bound: bound! };
}
