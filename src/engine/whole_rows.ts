/**
 * The part of a cache whose rows can be taken one by one: what eviction reads and writes. Coded rows share
 * scales, others have channels of their own, and values are read with every channel; where a layer is evicted
 * such rows have become whole ones before (expand_layer.ts).
 */

import type { Layout, Segment, Stream } from "../layout/types.ts";
import type { KvCache } from "./cache.ts";
import type { CacheSegment } from "./cache_shape.ts";

/** Whether a segment stores codes. */
export const isCoded = ({ code }: Segment): boolean => code.kind === "affine";

/** Whether rows of a stream's segment become whole ones before any of them is evicted. */
export const becomesWhole = (stream: "key" | "value", segment: Segment): boolean =>
  isCoded(segment) || segment.channels === "bitmap" ||
  (stream === "value" && segment.channels === "list");

/** A cache without the segments whose rows become whole ones. */
export interface WholeRows {
  readonly layout: Layout;
  readonly segments: readonly CacheSegment[];
  /** Whether the cache has other segments beside these. */
  readonly isPart: boolean;
}

/** The segments of a cache whose rows can be taken one by one. */
export function wholeRows(
  { shape: { layout }, segments }:
    & { readonly shape: { readonly layout: Layout } }
    & Pick<
      KvCache,
      "segments"
    >,
): WholeRows {
  const own = segments.filter(({ stream, segment }) => !becomesWhole(stream, segment));
  const streamOf = (name: "key" | "value"): Stream => ({
    segments: layout[name].segments.filter((segment) => !becomesWhole(name, segment)),
  });
  return {
    layout: { ...layout, key: streamOf("key"), value: streamOf("value") },
    segments: own,
    isPart: own.length < segments.length,
  };
}
