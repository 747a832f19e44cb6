/**
 * The part of a cache whose rows can be taken one by one: what eviction reads and writes. Where a layer is
 * evicted the others have become whole ones before (expand_layer.ts).
 */

import { becomesWhole } from "../layout/becomes_whole.ts";
import type { Layout, Stream } from "../layout/types.ts";
import type { KvCache } from "./cache.ts";
import type { CacheSegment } from "./cache_shape.ts";

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
