/**
 * Pages for the rows of a segment of a head: as many as there are rows for, all whole but the last, which is cut
 * behind the rows it holds (`growth` of the segment). Bytes of rows that stay are kept; sizes are the caller's.
 */

import type { StoredChannels } from "../layout/bytes.ts";
import { pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import { pageRows, segmentPageBytes } from "./cache_shape.ts";
import type { CacheSegment, HeadAt } from "./cache_shape.ts";

/**
 * Makes the pages of a segment of a head, which hold `from` rows, those of `to` rows.
 *
 * @throws {RangeError} the arena is full
 * @throws {KerfError} the device has no memory for them
 */
export function fitPages(
  { table, shape: { headDim } }: Pick<KvCache, "table" | "shape">,
  { at, segment, from, to, ...stored }: StoredChannels & {
    readonly at: HeadAt;
    readonly segment: CacheSegment;
    readonly from: number;
    readonly to: number;
  },
): void {
  const end = pageCount(Math.max(from, to));
  for (let p = Math.floor(Math.min(from, to) / PAGE_ROWS); p < end; p++) {
    const index = table.entryIndex({ ...at, entry: segment.page + p });
    const rows = Math.max(0, Math.min(PAGE_ROWS, to - p * PAGE_ROWS));
    // A page to which rows are appended stays where it grew.
    const isApart = segment.isLast &&
      (pageRows(segment, rows) < PAGE_ROWS || table.bytesAt(index) > 0);
    table.resize(index, segmentPageBytes(segment, { ...stored, headDim, rows }), { isApart });
  }
}

/**
 * Takes the pages of a segment's rows out of the table, to be released when they have been read.
 *
 * @param rows that the segment holds
 */
export function takePages(
  { table }: Pick<KvCache, "table">,
  { at, segment, rows }: {
    readonly at: HeadAt;
    readonly segment: CacheSegment;
    readonly rows: number;
  },
): TakenPage[] {
  return Array.from(
    { length: pageCount(rows) },
    (_, p) => table.take(table.entryIndex({ ...at, entry: segment.page + p })),
  );
}
