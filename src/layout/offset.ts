/**
 * Where a row's elements lie: which block-table entry, and how far into its page. Kernels compute the
 * same from the same constants; the engine and the tests use these functions. Only plain codes (f32,
 * f16) have element offsets; coded.ts places the others.
 */

import { arenaBytes, tileBytes, unitRows } from "./bytes.ts";
import type { StoredChannels } from "./bytes.ts";
import { PAGE_ROWS } from "./types.ts";
import type { RowSides, Segment } from "./types.ts";

/** Which page of its segment row `row` lies in: block-table entries from the segment's first. */
export function pageIndex(row: number): number {
  return Math.floor(row / PAGE_ROWS);
}

/**
 * Bytes at the head of each page: the positions of its rows, i32, then their running sums, f32, where rows carry
 * them. They stand before the rows because a page may be cut behind its last tile.
 */
export function sideBytes({ positions, sums }: RowSides): number {
  return 4 * PAGE_ROWS * (Number(positions) + Number(sums));
}

/** Pages that `rows` rows need. */
export function pageCount(rows: number): number {
  return Math.ceil(rows / PAGE_ROWS);
}

/**
 * Offset in elements, from its page's first row, of channel place `channel` (its place among the stored
 * channels) of row `row` (counted from the segment's start).
 *
 * @example
 * ```ts
 * import { elementOffset, fullSegment } from "./mod.ts";
 * const at = elementOffset(fullSegment("f16", 16), { row: 17, channel: 2, width: 64 });
 * if (at !== 16 * 64 + 2 * 16 + 1) throw new Error("wrong");
 * ```
 */
export function elementOffset(
  segment: Segment,
  at: { readonly row: number; readonly channel: number; readonly width: number },
): number {
  const { tile } = segment;
  const row = at.row % PAGE_ROWS;
  return Math.floor(row / tile) * tile * at.width + at.channel * tile + row % tile;
}

/**
 * Bytes of a page that holds `rows` rows, in whole units of the arena. A segment may end
 * in a page that is cut behind its last unit.
 *
 * @param size.head bytes before the first row ({@linkcode sideBytes})
 */
export function pageBytes(
  segment: Segment,
  size: StoredChannels & {
    readonly headDim: number;
    readonly rows?: number;
    readonly head?: number;
  },
): number {
  const unit = unitRows(segment);
  const units = Math.ceil((size.rows ?? PAGE_ROWS) / unit);
  const rows = units * tileBytes(segment, size, size.headDim);
  return arenaBytes((size.head ?? 0) + rows);
}
