/** Sizes of a cache and the places of its segments, fixed when a plan is made. */

import type { StoredChannels } from "../layout/bytes.ts";
import { pageBytes, pageCount, sideBytes } from "../layout/offset.ts";
import { PAGE_ROWS, rowSides } from "../layout/types.ts";
import type { Layout, RowSides, Segment } from "../layout/types.ts";

/** Sizes of a cache. */
export interface CacheShape {
  readonly layout: Layout;
  readonly nSlots: number;
  readonly nLayers: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly nCtx: number;
}

/** One segment of one stream, with its range of the block table. */
export interface CacheSegment {
  readonly segment: Segment;
  readonly stream: "key" | "value";
  /** Its place among all segments, keys' first: its place in `heads`. */
  readonly index: number;
  /** First entry of the block table. */
  readonly page: number;
  /** Whether new rows go here. */
  readonly isLast: boolean;
  /** Its last page holds a multiple of so many rows. */
  readonly growth: number;
  /** What its rows carry at the head of each of its pages. */
  readonly sides: RowSides;
}

/**
 * Rows by which the page grows to which new rows go, where others leave: a multiple of every tile, and as many
 * as a page of the system holds of 64 channels in f16. A cache that only grows takes whole pages.
 */
const GROWTH_ROWS = 32;

/** Whether rows of a layout ever leave or lose bytes. */
const isCompressed = ({ key, value, rowPositions }: Layout): boolean =>
  rowPositions || key.segments.length > 1 || value.segments.length > 1;

/** Rows of which a page of a segment holds `rows`: the last one is cut. */
export const pageRows = ({ growth }: Pick<CacheSegment, "growth">, rows: number): number =>
  Math.min(PAGE_ROWS, Math.ceil(rows / growth) * growth);

/** Bytes of a page of a segment of which `rows` are in use; 0 for none. */
export function segmentPageBytes(
  segment: Pick<CacheSegment, "segment" | "sides" | "growth">,
  { rows, ...size }: StoredChannels & { readonly headDim: number; readonly rows: number },
): number {
  if (rows <= 0) return 0;
  const head = sideBytes(segment.sides);
  return pageBytes(segment.segment, { ...size, rows: pageRows(segment, rows), head });
}

/** A head: slot, and layer · nKvHeads + KV head. */
export interface HeadAt {
  readonly slot: number;
  readonly head: number;
}

/** Layers, from `first` up to but not including `end`. */
export interface LayerRange {
  readonly first: number;
  readonly end: number;
}

/** The segments of a layout with their ranges of the block table, keys' first. */
export function cacheSegments(layout: Layout, nCtx: number): CacheSegment[] {
  const perSegment = pageCount(nCtx);
  const growth = isCompressed(layout) ? GROWTH_ROWS : PAGE_ROWS;
  const list = (["key", "value"] as const).flatMap((stream) =>
    layout[stream].segments.map((segment, i, segments) => {
      const isLast = i === segments.length - 1;
      const sides = rowSides(layout, stream);
      return { stream, segment, sides, isLast, growth: isLast ? growth : 1 };
    })
  );
  return list.map((item, index) => ({ ...item, index, page: index * perSegment }));
}
