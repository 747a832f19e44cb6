/** A cache between two kernels: its arena as the last one left it, the sizes that the next one sees. */

import type { SegmentSize } from "../layout/bytes.ts";
import { CHUNK_ROWS } from "../layout/types.ts";
import type { Layout } from "../layout/types.ts";
import { N_KV_HEADS } from "./cases.ts";
import { AT, isKey, readPosition, readRow, segmentsOf } from "./written_cache.ts";
import type { HeadRows, RowAt, WrittenCache } from "./written_cache.ts";

/** A row of a case's cache. */
export type CaseRow = Omit<RowAt, "nKvHeads">;

/** One KV head's rows; the first `listed` are in the segment with a channel list. */
export interface HeadSizes {
  readonly rows: number;
  readonly listed: number;
  /** What the list segment stores, ascending; all where there is none. */
  readonly channels: readonly number[];
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

/** Sizes of every segment of a KV head, keys' first. */
export function sizesOf(
  { key, value }: Layout,
  { rows, listed, channels }: HeadSizes,
  headDim: number,
): SegmentSize[] {
  const keys = key.segments.map((segment): SegmentSize =>
    segment.channels === "list"
      ? { rows: listed, width: channels.length }
      : { rows: rows - listed, width: headDim }
  );
  return [...keys, ...value.segments.map(() => ({ rows, width: headDim }))];
}

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
    const sizes = sizesOf(cache.layout, head, headDim);
    const flat = sizes.flatMap(({ rows, width }) => [rows, width]);
    heads.set(flat, (first + kvHead) * flat.length);
    const splits = sizes.slice(0, nKey).map(({ rows }, i) =>
      Math.ceil((rows + (i === nKey - 1 ? nNew : 0)) / CHUNK_ROWS)
    );
    nSplits = Math.max(nSplits, splits.reduce((a, b) => a + b));
  });
  return { ...withBuffers(cache, { heads }), nSplits };
}

/** A row as the arena has it. */
export const rowOf = (cache: WrittenCache, at: CaseRow): number[] =>
  readRow(cache, { ...at, nKvHeads: N_KV_HEADS, arena: cache.buffers.arena });

/** The position that a row carries. */
export const positionOf = (cache: WrittenCache, kvHead: number, row: number): number =>
  readPosition(cache, { nKvHeads: N_KV_HEADS, kvHead, row, arena: cache.buffers.arena });

/** Where a head's key lies, by its place among all of the head's rows. */
export function keyAt({ cache, heads, headDim }: CacheState, kvHead: number, row: number): CaseRow {
  const { listed, channels } = heads[kvHead]!;
  const { segments } = cache.layout.key;
  if (row >= listed) {
    return { kvHead, index: segments.length - 1, row: row - listed, width: headDim };
  }
  const index = segments.findIndex((segment) => segment.channels === "list");
  return { kvHead, index, row, width: channels.length };
}

/** Where a head's value lies. */
export const valueAt = ({ cache, headDim }: CacheState, kvHead: number, row: number): CaseRow => ({
  ...{ kvHead, row, width: headDim },
  index: segmentsOf(cache.layout).length - 1,
});

/** Whether a row's page begins with positions. */
export const carriesPosition = (layout: Layout, index: number): boolean =>
  layout.rowPositions && !isKey(layout, index);

/** A head's rows as the cache has them; channels that are not stored are zero. */
export function headRows(state: CacheState, kvHead: number): HeadRows {
  const { cache, heads, headDim } = state;
  const { rows, listed, channels } = heads[kvHead]!;
  const places = Array.from({ length: rows }, (_, row) => row);
  const keyOf = (row: number): Float32Array => {
    const stored = rowOf(cache, keyAt(state, kvHead, row));
    if (row >= listed) return Float32Array.from(stored);
    const key = new Float32Array(headDim);
    stored.forEach((x, i) => key[channels[i]!] = x);
    return key;
  };
  return {
    keys: places.map(keyOf),
    values: places.map((row) => Float32Array.from(rowOf(cache, valueAt(state, kvHead, row)))),
    nListed: listed,
    channels,
    ...(cache.layout.rowPositions
      ? { positions: places.map((row) => positionOf(cache, kvHead, row)) }
      : {}),
  };
}
