/** Sizes of a cache and the places of its segments, fixed when a plan is made. */

import type { StoredChannels } from "../layout/bytes.ts";
import { pageBytes, pageCount, sideBytes } from "../layout/offset.ts";
import { rowSides } from "../layout/types.ts";
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
  /** What its rows carry at the head of each of its pages. */
  readonly sides: RowSides;
}

/** Bytes of a page of a segment; `rows` of one that is cut. */
export function segmentPageBytes(
  { segment, sides }: Pick<CacheSegment, "segment" | "sides">,
  size: StoredChannels & { readonly headDim: number; readonly rows?: number },
): number {
  return pageBytes(segment, { ...size, head: sideBytes(sides) });
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
  const list = (["key", "value"] as const).flatMap((stream) =>
    layout[stream].segments.map((segment, i, segments) => ({
      ...{ stream, segment, sides: rowSides(layout, stream) },
      isLast: i === segments.length - 1,
    }))
  );
  return list.map((item, index) => ({ ...item, index, page: index * perSegment }));
}
