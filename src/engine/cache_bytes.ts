/** How many bytes a slot's rows take, counted from what is stored. Pages are the block table's to count. */

import { rowBytes, storedBytes, storedSideBytes } from "../layout/bytes.ts";
import type { KvCache } from "./cache.ts";

/** Bytes of a slot's occupied rows: masks and positions included, free tails not. */
export function slotStoredBytes(cache: KvCache, slot: number): number {
  const { layout, headDim } = cache.shape;
  let bytes = 0;
  for (let head = 0; head < cache.nHeadsPerSlot; head++) {
    for (const stream of ["key", "value"] as const) {
      const sizes = cache.segments.filter((s) => s.stream === stream)
        .map(({ index }) => cache.sizeOf({ slot, head }, index));
      bytes += storedBytes(layout[stream], sizes, headDim);
    }
    bytes += storedSideBytes(layout, cache.rowsOf({ slot, head }));
  }
  return bytes;
}

/** Bytes that a slot's tokens would take uncompressed, evicted ones included, in the cache's types. */
export function slotDenseBytes(cache: KvCache, slot: number): number {
  const { headDim } = cache.shape;
  const perRow = cache.segments.filter((s) => s.isLast)
    .reduce((sum, { segment }) => sum + rowBytes(segment, { width: headDim }, headDim), 0);
  return perRow * cache.tokensOf(slot) * cache.nHeadsPerSlot;
}
