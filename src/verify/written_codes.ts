/**
 * Coded elements in a page's bytes, written and read on the host through the layout's own places, and what
 * channels read as that are not stored.
 */

import { codePlace } from "../layout/coded.ts";
import type { Segment } from "../layout/types.ts";
import type { CodedElement } from "../reference/codes.ts";

/** One element: of a page's bytes, from the byte `page` of its first row on. */
export interface CodedAt {
  readonly view: DataView;
  readonly page: number;
  readonly segment: Segment;
  /** From the segment's start, and among the stored channels. */
  readonly row: number;
  readonly channel: number;
  readonly width: number;
  /** Stored channels of the first class; absent: all. */
  readonly high?: number;
}

function maskOf({ segment: { code }, channel, high = Infinity }: CodedAt): number {
  if (code.kind !== "affine") return 0;
  return (1 << (channel < high ? code.bits : code.low!)) - 1;
}

/** Writes an element's code, and what its group shares. */
export function writeCode(at: CodedAt, { scale, minimum, code }: CodedElement): void {
  const { view, page, segment } = at;
  const { byte, shift, pair } = codePlace(segment, at);
  const others = view.getUint8(page + byte) & ~(maskOf(at) << shift);
  view.setUint8(page + byte, others | code << shift);
  view.setFloat16(page + pair, scale, true);
  view.setFloat16(page + pair + 2, minimum, true);
}

/** An element's code, and what its group shares. */
export function readCode(at: CodedAt): CodedElement {
  const { view, page, segment } = at;
  const { byte, shift, pair } = codePlace(segment, at);
  return {
    scale: view.getFloat16(page + pair, true),
    minimum: view.getFloat16(page + pair + 2, true),
    code: view.getUint8(page + byte) >> shift & maskOf(at),
  };
}

/** Keys of which the first rows store some channels only. */
interface ListedRows {
  readonly keys: readonly ArrayLike<number>[];
  readonly nListed: number;
  readonly channels: readonly number[];
}

/** A head's channels, those that are not stored behind those that are. */
export const withMissing = (
  { channels }: Pick<ListedRows, "channels">,
  headDim: number,
): number[] => [
  ...channels,
  ...Array.from({ length: headDim }, (_, c) => c).filter((c) => !channels.includes(c)),
];

/** What the listed rows' channels read as that are not stored; 0 for those that are. */
export function fillsOf(
  { keys, nListed, channels }: ListedRows,
  listed: readonly number[],
): number[] {
  const means = meansOf(keys.slice(0, nListed), listed);
  return means.map((mean, place) => place < channels.length ? 0 : mean);
}

/** The f16 mean of each of some channels over rows; 0 over none. */
export const meansOf = (
  rows: readonly ArrayLike<number>[],
  channels: readonly number[],
): number[] =>
  channels.map((c) =>
    Math.f16round(rows.reduce((a, row) => a + row[c]!, 0) / Math.max(1, rows.length))
  );
