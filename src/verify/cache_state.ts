/** A cache between two kernels: its arena as the last one left it, the sizes that the next one sees. */

import { channelsWord } from "../layout/bytes.ts";
import type { SegmentSize } from "../layout/bytes.ts";
import { keyLists } from "../layout/row_classes.ts";
import { CHUNK_ROWS } from "../layout/types.ts";
import type { Layout } from "../layout/types.ts";
import { N_KV_HEADS } from "./cases.ts";
import { AT, boundFills, segmentsOf, valueFillsAt } from "./written_cache.ts";
import { readCodes, readPosition, readRow, readSet, sumByte } from "./written_rows.ts";
import type { HeadRows, KeyList } from "./head_rows.ts";
import type { WrittenCache } from "./written_cache.ts";
import type { RowAt } from "./written_rows.ts";

/** A row of a case's cache. */
export type CaseRow = Omit<RowAt, "nKvHeads">;

/** Both streams, keys first. */
export const STREAMS = ["key", "value"] as const;
export type StreamName = (typeof STREAMS)[number];

/** One KV head's older rows of a stream, which lost channels or became codes. */
export interface CompressedRows {
  /** How many there are in each segment but the last, in their order. */
  readonly compressed: readonly number[];
  /**
   * What these segments store, in the order of the head's list: all without one. Where rows have channels of
   * their own as many as each has.
   */
  readonly channels: readonly number[];
  /** How many of them are of the first class, where channels are in two. */
  readonly high?: number;
  /** Both of the second segment, where it has a list of its own. */
  readonly second?: KeyList;
}

/** What the `segment`-th segment of compressed rows stores. */
export function storedIn(own: CompressedRows, segment: number): KeyList {
  const { channels, high } = segment === 1 ? own.second ?? own : own;
  return { channels, ...(high === undefined ? {} : { high }) };
}

/** One KV head's rows: the last segment of each stream has those that are not compressed. */
export interface HeadSizes extends Readonly<Record<StreamName, CompressedRows>> {
  readonly rows: number;
}

/** A sequence's cache, compressed or not. */
export interface CacheState {
  readonly cache: WrittenCache;
  readonly heads: readonly HeadSizes[];
  /** Tokens seen: the position of the next one. */
  readonly nTokens: number;
  readonly headDim: number;
}

/** The cache with other buffers in place of its own. */
export const withBuffers = (
  cache: WrittenCache,
  buffers: Partial<WrittenCache["buffers"]>,
): WrittenCache => ({ ...cache, buffers: { ...cache.buffers, ...buffers } });

/** What kernels bind of a cache. */
export const cacheBuffers = (cache: WrittenCache) => ({
  ...cache.buffers,
  ...boundFills(cache),
});

/** How many rows of a stream are compressed. */
export const compressedOf = ({ compressed }: CompressedRows): number =>
  compressed.reduce((a, b) => a + b, 0);

/** Sizes of every segment of a stream of a KV head. */
function streamSizes(head: HeadSizes, stream: StreamName, headDim: number): SegmentSize[] {
  return [
    ...head[stream].compressed.map((rows, i) => {
      const { channels, ...high } = storedIn(head[stream], i);
      return { rows, width: channels.length, ...high };
    }),
    { rows: head.rows - compressedOf(head[stream]), width: headDim },
  ];
}

/** Sizes of every segment of a KV head, keys' first. */
export const sizesOf = (head: HeadSizes, headDim: number): SegmentSize[] =>
  STREAMS.flatMap((stream) => streamSizes(head, stream, headDim));

/**
 * The cache as kernels see it, its sizes in `heads`.
 *
 * @param nNew rows of the step that follows: counted in `nSplits`, not in `heads`
 */
export function seenCache({ cache, heads: rows, headDim }: CacheState, nNew = 0): WrittenCache {
  const heads = Uint32Array.from(cache.buffers.heads);
  const nKey = cache.layout.key.segments.length;
  const first = (AT.slot * AT.nLayers + AT.layer) * N_KV_HEADS;
  let nSplits = 0;
  rows.forEach((head, kvHead) => {
    const sizes = sizesOf(head, headDim);
    const flat = sizes.flatMap((size) => [size.rows, channelsWord(size)]);
    heads.set(flat, (first + kvHead) * flat.length);
    const splits = sizes.slice(0, nKey).map(({ rows }, i) =>
      Math.ceil((rows + (i === nKey - 1 ? nNew : 0)) / CHUNK_ROWS)
    );
    nSplits = Math.max(nSplits, splits.reduce((a, b) => a + b));
  });
  return { ...withBuffers(cache, { heads }), nSplits };
}

/** Whether the rows of a segment have channels of their own. */
export const hasSets = (layout: Layout, index: number): boolean =>
  segmentsOf(layout)[index]!.channels === "bitmap";

/** Whether nothing is stored of the rows of a segment. */
export const hasNothing = (layout: Layout, index: number): boolean =>
  segmentsOf(layout)[index]!.channels === "none";

/** The channels that a row has, and their elements. */
export const setOf = (cache: WrittenCache, at: CaseRow): ReturnType<typeof readSet> =>
  readSet(cache, { ...at, nKvHeads: N_KV_HEADS, arena: cache.buffers.arena });

/** A row as the arena has it. */
export const rowOf = (cache: WrittenCache, at: CaseRow): number[] =>
  hasSets(cache.layout, at.index)
    ? setOf(cache, at).elements
    : readRow(cache, { ...at, nKvHeads: N_KV_HEADS, arena: cache.buffers.arena });

/** What each element of a row rounds by: its size, of codes those of both that it is the sum of. */
function sizesAt(cache: WrittenCache, at: CaseRow): number[] {
  const whole = { ...at, nKvHeads: N_KV_HEADS, arena: cache.buffers.arena };
  if (segmentsOf(cache.layout)[at.index]!.code.kind !== "affine") {
    return rowOf(cache, at).map(Math.abs);
  }
  return readCodes(cache, whole).map(({ scale, code, minimum }) =>
    Math.abs(scale * code) + Math.abs(minimum)
  );
}

/** Where a head's key or value lies, by its place among all of the head's rows. */
export function placeOf(
  { cache: { layout }, heads, headDim }: CacheState,
  { of, kvHead, row }: { readonly of: StreamName; readonly kvHead: number; readonly row: number },
): CaseRow {
  const sizes = streamSizes(heads[kvHead]!, of, headDim);
  let [segment, place] = [0, row];
  while (segment < sizes.length - 1 && place >= sizes[segment]!.rows) {
    place -= sizes[segment]!.rows;
    segment++;
  }
  const index = segment + (of === "key" ? 0 : layout.key.segments.length);
  return { kvHead, index, ...sizes[segment]!, row: place };
}

/** The position that a row carries, by its place among all of the head's rows. */
export function positionOf(state: CacheState, kvHead: number, row: number): number {
  const { arena } = state.cache.buffers;
  const at = placeOf(state, { of: "value", kvHead, row });
  return readPosition(state.cache, { ...at, nKvHeads: N_KV_HEADS, arena });
}

/** The positions that a head's rows carry. */
export const positionsOf = (state: CacheState, kvHead: number): number[] =>
  Array.from({ length: state.heads[kvHead]!.rows }, (_, row) => positionOf(state, kvHead, row));

/** Where the running sum of a row lies in the arena, in bytes, by its place among all of the head's rows. */
export const sumByteOf = (state: CacheState, kvHead: number, row: number): number =>
  sumByte(state.cache, {
    ...placeOf(state, { of: "value", kvHead, row }),
    nKvHeads: N_KV_HEADS,
  });

/** The running sums of a head's rows. */
export function sumsOf(state: CacheState, kvHead: number): number[] {
  const view = new DataView(state.cache.buffers.arena.buffer);
  return Array.from(
    { length: state.heads[kvHead]!.rows },
    (_, row) => view.getFloat32(sumByteOf(state, kvHead, row), true),
  );
}

/** A head's rows as the cache has them. */
export interface SeenRows extends Pick<HeadRows, "keys" | "values" | "positions"> {
  /**
   * Where rows are read from codes: |scale · code| + |minimum| of each element, which rounding goes by; absent:
   * what is stored is whole.
   */
  readonly sizes?: Pick<HeadRows, "keys" | "values">;
}

/** A head's rows; channels that are not stored are zero, or what the head's list says they read as. */
export function headRows(state: CacheState, kvHead: number): SeenRows {
  const { cache, heads, headDim } = state;
  const { rows } = heads[kvHead]!;
  const places = Array.from({ length: rows }, (_, row) => row);
  const wholeRow = (of: StreamName, row: number, read: typeof rowOf): Float32Array => {
    const at = placeOf(state, { of, kvHead, row });
    const stored = read(cache, at);
    const own = heads[kvHead]![of];
    if (row >= compressedOf(own)) return Float32Array.from(stored);
    const whole = new Float32Array(headDim);
    const segment = row < own.compressed[0]! ? 0 : 1;
    if (hasNothing(cache.layout, at.index)) whole.set(valueFillsOf(state, kvHead));
    if (of === "key") {
      fillsOf(state, kvHead, segment).forEach(({ channel, value }) => whole[channel] = value);
    }
    const channels = hasSets(cache.layout, at.index)
      ? setOf(cache, at).channels
      : storedIn(own, segment).channels;
    stored.forEach((x, i) => whole[channels[i]!] = x);
    return read === sizesAt ? whole.map(Math.abs) : whole;
  };
  const both = (read: typeof rowOf) => ({
    keys: places.map((row) => wholeRow("key", row, read)),
    values: places.map((row) => wholeRow("value", row, read)),
  });
  const hasCodes = segmentsOf(cache.layout).some(({ code }) => code.kind === "affine");
  return {
    ...both(rowOf),
    ...(hasCodes ? { sizes: both(sizesAt) } : {}),
    ...(cache.layout.rowPositions ? { positions: positionsOf(state, kvHead) } : {}),
  };
}

/** What a head's values read as of which nothing is stored, f32 [headDim]. */
export const valueFillsOf = ({ cache }: CacheState, kvHead: number): Float32Array =>
  valueFillsAt(cache, { kvHead, nKvHeads: N_KV_HEADS });

/** What the channels of compressed keys read as that have no bits, or that a row lacks; none where that is zero. */
function fillsOf({ cache, heads, headDim }: CacheState, kvHead: number, segment: number) {
  const { fills, buffers, layout } = cache;
  if (fills === null) return [];
  const head = (AT.slot * AT.nLayers + AT.layer) * N_KV_HEADS + kvHead;
  const [nLists, list] = keyLists(layout) > 1 ? [2, segment] : [1, 0];
  const start = (head * nLists + list) * headDim;
  if (hasSets(layout, 0)) {
    return Array.from(fills.subarray(start, start + headDim), (value, channel) => ({
      channel,
      value,
    }));
  }
  const first = start + storedIn(heads[kvHead]!.key, segment).channels.length;
  return Array.from(buffers.channels.subarray(first, start + headDim), (channel, i) => ({
    channel,
    value: fills[first + i]!,
  }));
}
