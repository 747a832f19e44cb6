/** Coded elements in a page's bytes, written and read on the host through the layout's own places. */

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
}

const maskOf = ({ code }: Segment): number => code.kind === "affine" ? (1 << code.bits) - 1 : 0;

/** Writes an element's code, and what its group shares. */
export function writeCode(at: CodedAt, { scale, minimum, code }: CodedElement): void {
  const { view, page, segment } = at;
  const { byte, shift, pair } = codePlace(segment, at);
  const others = view.getUint8(page + byte) & ~(maskOf(segment) << shift);
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
    code: view.getUint8(page + byte) >> shift & maskOf(segment),
  };
}
