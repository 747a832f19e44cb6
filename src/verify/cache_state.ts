/**
 * A cache between two kernels: its arena as the last one left it, the sizes that the next one sees. Its rows are
 * read by state_rows.ts.
 */

import { channelsWord } from "../layout/bytes.ts";
import type { SegmentSize } from "../layout/bytes.ts";
import { CHUNK_ROWS } from "../layout/types.ts";
import type { Layout } from "../layout/types.ts";
import { N_KV_HEADS } from "./cases.ts";
import { AT, boundFills, segmentsOf } from "./written_cache.ts";
import type { KeyList } from "./head_rows.ts";
import type { WrittenCache } from "./written_cache.ts";

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
export function streamSizes(head: HeadSizes, stream: StreamName, headDim: number): SegmentSize[] {
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
