/**
 * Rows of a cache between two kernels, read from its arena: their elements, where they lie, the positions and
 * sums they carry, and what stands for what is not stored of them.
 */

import { keyLists } from "../layout/row_classes.ts";
import { compressedOf, hasNothing, hasSets, storedIn, streamSizes } from "./cache_state.ts";
import type { CacheState, StreamName } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { HeadRows } from "./head_rows.ts";
import { AT, segmentsOf, valueFillsAt } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";
import { readCodes, readPosition, readRow, readSet, sumByte } from "./written_rows.ts";
import type { RowAt } from "./written_rows.ts";

/** A row of a case's cache. */
export type CaseRow = Omit<RowAt, "nKvHeads">;

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
