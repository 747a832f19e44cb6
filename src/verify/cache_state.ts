/** A cache between two kernels: its arena as the last one left it, the sizes that the next one sees. */

import type { SegmentSize } from "../layout/bytes.ts";
import { CHUNK_ROWS } from "../layout/types.ts";
import type { Layout } from "../layout/types.ts";
import { N_KV_HEADS } from "./cases.ts";
import { AT, isKey, readCodes, readPosition, readRow, segmentsOf } from "./written_cache.ts";
import type { HeadRows, RowAt, WrittenCache } from "./written_cache.ts";

/** A row of a case's cache. */
export type CaseRow = Omit<RowAt, "nKvHeads">;

/** One KV head's rows; older ones may be in a compressed segment, the first of two of their stream. */
export interface HeadSizes {
  readonly rows: number;
  /** Keys in a segment that has a channel list, codes, or both. */
  readonly listed: number;
  /** Values in a segment of codes. */
  readonly coded: number;
  /** What the compressed segment of keys stores, ascending: all without a list. */
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
  { rows, listed, coded, channels }: HeadSizes,
  headDim: number,
): SegmentSize[] {
  const stream = (n: number, old: SegmentSize): SegmentSize[] =>
    n < 2 ? [{ rows, width: headDim }] : [old, { rows: rows - old.rows, width: headDim }];
  return [
    ...stream(key.segments.length, { rows: listed, width: channels.length }),
    ...stream(value.segments.length, { rows: coded, width: headDim }),
  ];
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

/** What each element of a row rounds by: its size, of codes those of both that it is the sum of. */
function sizesAt(cache: WrittenCache, at: CaseRow): number[] {
  const whole = { ...at, nKvHeads: N_KV_HEADS, arena: cache.buffers.arena };
  if (segmentsOf(cache.layout)[at.index]!.code.kind !== "affine") {
    return readRow(cache, whole).map(Math.abs);
  }
  return readCodes(cache, whole).map(({ scale, code, minimum }) =>
    Math.abs(scale * code) + Math.abs(minimum)
  );
}

/** The position that a row carries, by its place among all of the head's rows. */
export function positionOf(state: CacheState, kvHead: number, row: number): number {
  const { arena } = state.cache.buffers;
  return readPosition(state.cache, { ...valueAt(state, kvHead, row), nKvHeads: N_KV_HEADS, arena });
}

/** Where a head's key lies, by its place among all of the head's rows. */
export function keyAt({ cache, heads, headDim }: CacheState, kvHead: number, row: number): CaseRow {
  const { listed, channels } = heads[kvHead]!;
  const { segments } = cache.layout.key;
  if (row >= listed) {
    return { kvHead, index: segments.length - 1, row: row - listed, width: headDim };
  }
  return { kvHead, index: 0, row, width: channels.length };
}

/** Where a head's value lies. */
export function valueAt(
  { cache, heads, headDim }: CacheState,
  kvHead: number,
  row: number,
): CaseRow {
  const { coded } = heads[kvHead]!;
  const last = segmentsOf(cache.layout).length - 1;
  return row >= coded
    ? { kvHead, index: last, row: row - coded, width: headDim }
    : { kvHead, index: last - 1, row, width: headDim };
}

/** Whether a row's page begins with positions. */
export const carriesPosition = (layout: Layout, index: number): boolean =>
  layout.rowPositions && !isKey(layout, index);

/** A head's rows as the cache has them; channels that are not stored are zero. */
export function headRows(state: CacheState, kvHead: number): HeadRows {
  const { cache, heads, headDim } = state;
  const { rows, listed, coded, channels } = heads[kvHead]!;
  const places = Array.from({ length: rows }, (_, row) => row);
  const keyOf = (row: number, read: typeof rowOf): Float32Array => {
    const stored = read(cache, keyAt(state, kvHead, row));
    if (row >= listed) return Float32Array.from(stored);
    const key = new Float32Array(headDim);
    stored.forEach((x, i) => key[channels[i]!] = x);
    return key;
  };
  const both = (read: typeof rowOf) => ({
    keys: places.map((row) => keyOf(row, read)),
    values: places.map((row) => Float32Array.from(read(cache, valueAt(state, kvHead, row)))),
  });
  const hasCodes = segmentsOf(cache.layout).some(({ code }) => code.kind === "affine");
  return {
    ...both(rowOf),
    ...(hasCodes ? { sizes: both(sizesAt) } : {}),
    ...{ nListed: listed, nCoded: coded, channels },
    ...(cache.layout.rowPositions
      ? { positions: places.map((row) => positionOf(state, kvHead, row)) }
      : {}),
  };
}
