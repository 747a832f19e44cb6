/**
 * Room for more rows in a compressed segment: pages as long as their last unit, of which the last one is
 * replaced when it grows. What rows are written there is the caller's.
 */

import type { StoredChannels } from "../layout/bytes.ts";
import { pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import { segmentPageBytes } from "./cache_shape.ts";
import type { CacheSegment, HeadAt } from "./cache_shape.ts";

/**
 * Pages of a compressed segment for rows `from` … `to`, the last cut behind its last unit. A page that was
 * cut is replaced by a larger one that begins with the same bytes.
 *
 * @returns the replaced page, if there was one
 */
export function growCompressed(
  cache: KvCache,
  options: StoredChannels & { at: HeadAt; segment: CacheSegment; from: number; to: number },
): TakenPage[] {
  const { at, segment, from, to } = options;
  const { table, shape: { headDim } } = cache;
  const replaced: TakenPage[] = [];
  for (let p = Math.floor(from / PAGE_ROWS); p < pageCount(to); p++) {
    const index = table.entryIndex({ ...at, entry: segment.page + p });
    const rows = Math.min(PAGE_ROWS, to - p * PAGE_ROWS);
    const bytes = segmentPageBytes(segment, { ...options, headDim, rows });
    const had = table.bytesAt(index);
    if (had >= bytes) continue;
    const kept = had > 0 ? table.take(index) : null;
    table.allocate(index, bytes);
    if (!kept) continue;
    table.copyInto(index, kept);
    replaced.push(kept);
  }
  return replaced;
}
