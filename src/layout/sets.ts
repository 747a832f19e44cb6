/**
 * Where a row lies that has channels of its own: its set, a bit for each channel from the lowest bit of the
 * first byte up, then the elements of the channels in it, ascending, f16.
 */

import { maskBytes, rowBytes } from "./bytes.ts";
import type { Segment } from "./types.ts";
import { PAGE_ROWS } from "./types.ts";

/** Bytes from the first row of its page to a row's set, and to its first element. */
export interface SetPlace {
  readonly set: number;
  readonly elements: number;
}

/**
 * Where row `row` (from the segment's start) lies, of as many channels as every row of the head stores.
 *
 * @example
 * ```ts
 * import { parseSegmentName, setPlace } from "./mod.ts";
 * const at = setPlace(parseSegmentName("bitmap_mean_f16t1"), { row: 130, width: 5, headDim: 64 });
 * if (at.set !== 2 * (8 + 2 * 5) || at.elements !== at.set + 8) throw new Error("wrong");
 * ```
 */
export function setPlace(
  segment: Segment,
  at: { readonly row: number; readonly width: number; readonly headDim: number },
): SetPlace {
  const set = at.row % PAGE_ROWS * rowBytes(segment, at, at.headDim);
  return { set, elements: set + maskBytes(at.headDim) };
}
