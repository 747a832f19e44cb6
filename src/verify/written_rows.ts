/** Where rows of a cache that was written by hand lie in its arena, and what they hold, before and after a kernel. */

import {
  ARENA_UNIT,
  elementOffset,
  PAGE_ROWS,
  pageIndex,
  sideBytes,
  tileBytes,
  unitRows,
} from "../layout/mod.ts";
import type { Segment } from "../layout/mod.ts";
import { decoded } from "../reference/codes.ts";
import type { CodedElement } from "../reference/codes.ts";
import { AT, headBytes, segmentsOf } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";
import { readCode } from "./written_codes.ts";
import { readSetRow } from "./written_sets.ts";

/** A row of a segment of a head. */
export interface RowAt {
  readonly nKvHeads: number;
  readonly kvHead: number;
  /** Of the segment, keys' first. */
  readonly index: number;
  /** From the segment's start. */
  readonly row: number;
  /** Channels that the segment stores of this head; how many of them are of the higher class, absent: all. */
  readonly width: number;
  readonly high?: number;
}

/** Where the page that holds a row begins in the arena, in bytes. */
function pageByte(cache: WrittenCache, at: Omit<RowAt, "width">): number {
  const head = (AT.slot * AT.nLayers + AT.layer) * at.nKvHeads + at.kvHead;
  const entry = head * cache.constants["page_entries"]! + cache.firstPages[at.index]! +
    pageIndex(at.row);
  return cache.buffers.pages[entry]! * ARENA_UNIT;
}

/** Where channel place `channel` of a row lies in the arena, in bytes. */
export function elementByte(cache: WrittenCache, at: RowAt, channel: number): number {
  const segment = segmentsOf(cache.layout)[at.index]!;
  const offset = elementOffset(segment, { row: at.row, channel, width: at.width });
  return pageByte(cache, at) + headBytes(cache.layout, at.index) + offset * elementBytes(segment);
}

/** Where the position of row `row` of a segment of values lies in the arena, in bytes; by default of the last. */
export function positionByte(
  cache: WrittenCache,
  { index = segmentsOf(cache.layout).length - 1, ...at }:
    & Omit<RowAt, "width" | "index">
    & { readonly index?: number },
): number {
  return pageByte(cache, { ...at, index }) + 4 * (at.row % PAGE_ROWS);
}

/** Where the running sum of row `row` of a segment of values lies: behind the positions of its page. */
export const sumByte = (cache: WrittenCache, at: Parameters<typeof positionByte>[1]): number =>
  positionByte(cache, at) + sideBytes({ positions: true, sums: false });

/** The position that row `row` of a segment of values carries; by default of the last. */
export const readPosition = (
  cache: WrittenCache,
  at: Parameters<typeof positionByte>[1] & { readonly arena: Uint8Array<ArrayBuffer> },
): number => new DataView(at.arena.buffer).getInt32(positionByte(cache, at), true);

/** The running sum that row `row` of a segment of values carries; by default of the last. */
export const readSum = (
  cache: WrittenCache,
  at: Parameters<typeof positionByte>[1] & { readonly arena: Uint8Array<ArrayBuffer> },
): number => new DataView(at.arena.buffer).getFloat32(sumByte(cache, at), true);

/** Bytes of one stored element. */
export const elementBytes = ({ code }: Segment): number => code.kind === "f16" ? 2 : 4;

/** Row `row` of a coded segment: an element for each channel stored. */
export function readCodes(
  cache: WrittenCache,
  at: RowAt & { readonly arena: Uint8Array<ArrayBuffer> },
): CodedElement[] {
  const segment = segmentsOf(cache.layout)[at.index]!;
  const view = new DataView(at.arena.buffer);
  const page = pageByte(cache, at) + headBytes(cache.layout, at.index);
  const { row, width, high = width } = at;
  const place = { view, page, segment, row, width, high };
  return Array.from({ length: width }, (_, channel) => readCode({ ...place, channel }));
}

/** The bytes of the arena that a coded row shares with its unit, or a row with a set has: the first, and how many. */
export function unitBytes(cache: WrittenCache, at: RowAt): { start: number; size: number } {
  const segment = segmentsOf(cache.layout)[at.index]!;
  const size = tileBytes(segment, at, cache.headDim);
  const unit = Math.floor(at.row % PAGE_ROWS / unitRows(segment));
  return { start: pageByte(cache, at) + headBytes(cache.layout, at.index) + unit * size, size };
}

/** Row `row` of a segment whose rows have channels of their own: those, and their elements. */
export function readSet(
  cache: WrittenCache,
  at: RowAt & { readonly arena: Uint8Array<ArrayBuffer> },
): { readonly channels: number[]; readonly elements: number[] } {
  const segment = segmentsOf(cache.layout)[at.index]!;
  const place = { view: new DataView(at.arena.buffer), page: pageByte(cache, at), segment };
  return readSetRow({ ...place, row: at.row, headDim: cache.headDim }, at.width);
}

/** Row `row` of segment `index` as stored: f64 [channels stored]. */
export function readRow(
  cache: WrittenCache,
  at: RowAt & { readonly arena: Uint8Array<ArrayBuffer> },
): number[] {
  const segment = segmentsOf(cache.layout)[at.index]!;
  if (segment.code.kind === "affine") return readCodes(cache, at).map(decoded);
  const elements = segment.code.kind === "f16"
    ? new Float16Array(at.arena.buffer)
    : new Float32Array(at.arena.buffer);
  const size = elementBytes(segment);
  const start = elementByte(cache, at, 0) / size;
  const row = new Array<number>(at.width);
  // Channels of a row are a tile's rows apart.
  for (let c = 0; c < at.width; c++) row[c] = elements[start + c * segment.tile]!;
  return row;
}
