/**
 * Where a coded row's elements lie in its page. Sixteen neighbours that a vector reads together (rows of a
 * channel of keys, channels of a row of values) are one cell of 2·bits bytes: element i in byte i mod
 * 2·bits, from bit bits·⌊i / 2·bits⌋ up, so that one load, one shift and one mask give all lanes. Every
 * group has one word: its scale in the low half, its minimum in the high half, f16 both.
 *
 *     along rows      a unit of `group` rows: tiles of sixteen rows, a cell per stored channel each, those
 *                     of the first class before those of the second; then the words of the channels
 *     along channels  a row: its cells; then the words of its groups, the last of which may be short
 *     … in tiles      a tile of sixteen rows: a cell per stored channel; then the words of its groups, sixteen
 *                     rows side by side
 */

import { codeBytes, tileBytes, unitRows } from "./bytes.ts";
import type { StoredChannels } from "./bytes.ts";
import type { Segment } from "./types.ts";
import { PAGE_ROWS } from "./types.ts";

/** Elements of a cell: the lanes that read it together. */
export const CELL = 16;

/** Where one element lies, in bytes from its page's first row. */
export interface CodePlace {
  /** The byte that holds its code, and the code's lowest bit there. */
  readonly byte: number;
  readonly shift: number;
  /** The word of its group: scale, then minimum. */
  readonly pair: number;
}

/**
 * Where channel place `channel` (among the stored ones) of row `row` (from the segment's start) lies.
 *
 * @throws {TypeError} the segment is not coded
 *
 * @example
 * ```ts
 * import { codePlace, parseSegmentName } from "./mod.ts";
 * const at = codePlace(parseSegmentName("q4r32t16"), { row: 9, channel: 2, width: 64 });
 * if (at.byte !== 2 * 8 + 1 || at.shift !== 4 || at.pair !== 2 * 64 * 8 + 2 * 4) throw new Error("wrong");
 * ```
 */
export function codePlace(
  segment: Segment,
  at: StoredChannels & { readonly row: number; readonly channel: number },
): CodePlace {
  const { code } = segment;
  if (code.kind !== "affine") throw new TypeError("Cannot place a code: the segment is not coded");
  const { group } = code;
  const { channel, width, high = width } = at;
  const row = at.row % PAGE_ROWS;
  const rows = unitRows(segment);
  const unit = Math.floor(row / rows) * tileBytes(segment, at, width);
  if (code.along === "rows" || segment.tile === CELL) {
    const bits = channel < high ? code.bits : code.low ?? code.bits;
    const before = Math.min(channel, high) * cellBytes(code.bits) +
      Math.max(0, channel - high) * cellBytes(bits);
    const nWords = code.along === "rows" ? width : CELL * Math.ceil(width / group);
    const words = codeBytes(code, { ...at, rows }) - 4 * nWords;
    const tile = Math.floor(row % rows / CELL) * words * CELL / rows;
    const { byte, shift } = inCell(row % CELL, bits);
    const word = code.along === "rows" ? channel : Math.floor(channel / group) * CELL + row % CELL;
    return { byte: unit + tile + before + byte, shift, pair: unit + words + 4 * word };
  }
  const { byte, shift } = inCell(channel % CELL, code.bits);
  const cell = Math.floor(channel / CELL);
  const words = codeBytes(code, { rows: 1, width }) - 4 * Math.ceil(width / group);
  return {
    byte: unit + cell * cellBytes(code.bits) + byte,
    shift,
    pair: unit + words + 4 * Math.floor(channel / group),
  };
}

const cellBytes = (bits: number) => CELL * bits / 8;

/** Where element `i` of a cell lies in it. */
const inCell = (i: number, bits: number) => ({
  byte: i % cellBytes(bits),
  shift: bits * Math.floor(i / cellBytes(bits)),
});
