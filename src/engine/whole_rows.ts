/**
 * The part of a cache whose rows can be taken one by one: what eviction reads and writes. Coded rows share
 * scales, others have channels of their own; where a layer is evicted they have become whole rows before
 * (expand_layer.ts).
 */

import type { Layout, Stream } from "../layout/types.ts";
import type { KvCache } from "./cache.ts";
import type { CacheSegment } from "./cache_shape.ts";
import { isMadeWhole } from "./move_layer.ts";

/** A cache without the segments whose rows are made whole. */
export interface WholeRows {
  readonly layout: Layout;
  readonly segments: readonly CacheSegment[];
  /** Whether the cache has other segments beside these. */
  readonly isPart: boolean;
}

/** The segments of a cache whose rows are whole, or pruned by a list. */
export function wholeRows(
  { shape: { layout }, segments }:
    & { readonly shape: { readonly layout: Layout } }
    & Pick<
      KvCache,
      "segments"
    >,
): WholeRows {
  const own = segments.filter(({ segment }) => !isMadeWhole(segment));
  const stream = (of: Stream): Stream => ({ segments: of.segments.filter((s) => !isMadeWhole(s)) });
  return {
    layout: { ...layout, key: stream(layout.key), value: stream(layout.value) },
    segments: own,
    isPart: own.length < segments.length,
  };
}
