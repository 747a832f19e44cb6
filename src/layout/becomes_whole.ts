/**
 * Which compressed rows become whole ones before any of them leaves: rows that share scales cannot leave one by
 * one, those with channels of their own are thinned anew, and values are read with every channel, be it as a mean.
 */

import type { Segment } from "./types.ts";

/** Whether a segment stores codes. */
export const isCoded = ({ code }: Segment): boolean => code.kind === "affine";

/** Whether rows of a stream's segment become whole ones before any of them is evicted. */
export const becomesWhole = (stream: "key" | "value", segment: Segment): boolean =>
  isCoded(segment) || segment.channels === "bitmap" || segment.channels === "none" ||
  (stream === "value" && segment.channels === "list");
