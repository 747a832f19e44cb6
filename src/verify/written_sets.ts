/** Rows that have channels of their own, in a page's bytes, written and read on the host. */

import { setPlace } from "../layout/sets.ts";
import type { Segment } from "../layout/types.ts";

/** One row: of a page's bytes, from the byte `page` of its first row on. */
export interface SetRowAt {
  readonly view: DataView;
  readonly page: number;
  readonly segment: Segment;
  /** From the segment's start. */
  readonly row: number;
  readonly headDim: number;
}

/** Writes the elements of a row's channels, which ascend, and their set. */
export function writeSetRow(
  { view, page, segment, row, headDim }: SetRowAt,
  channels: readonly number[],
  key: ArrayLike<number>,
): void {
  const at = setPlace(segment, { row, width: channels.length, headDim });
  for (let byte = 0; byte < at.elements - at.set; byte++) view.setUint8(page + at.set + byte, 0);
  channels.forEach((c, i) => {
    const byte = page + at.set + (c >> 3);
    view.setUint8(byte, view.getUint8(byte) | 1 << (c & 7));
    view.setFloat16(page + at.elements + 2 * i, key[c]!, true);
  });
}

/** A row of `width` channels: those that it has, and their elements. */
export function readSetRow(
  { view, page, segment, row, headDim }: SetRowAt,
  width: number,
): { readonly channels: number[]; readonly elements: number[] } {
  const at = setPlace(segment, { row, width, headDim });
  const isSet = (c: number) => view.getUint8(page + at.set + (c >> 3)) >> (c & 7) & 1;
  return {
    channels: Array.from({ length: headDim }, (_, c) => c).filter(isSet),
    elements: Array.from(
      { length: width },
      (_, i) => view.getFloat16(page + at.elements + 2 * i, true),
    ),
  };
}
