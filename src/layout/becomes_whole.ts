/**
 * Which compressed rows become whole ones before any of them leaves: rows that share scales cannot leave one by
 * one, those with channels of their own are thinned anew, and values are read with every channel, be it as a mean.
 */

import { unitRows } from "./bytes.ts";
import type { Segment } from "./types.ts";

/** Whether a segment stores codes. */
export const isCoded = ({ code }: Segment): boolean => code.kind === "affine";

/** Rows of a segment that are compressed together: a unit of codes, else one. */
export const compressedUnit = (segment: Segment): number =>
  isCoded(segment) ? unitRows(segment) : 1;

/** Whether rows of a stream's segment become whole ones before any of them is evicted. */
export const becomesWhole = (stream: "key" | "value", segment: Segment): boolean =>
  isCoded(segment) || segment.channels === "bitmap" || segment.channels === "none" ||
  (stream === "value" && segment.channels === "list");
