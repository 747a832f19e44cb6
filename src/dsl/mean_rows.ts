/**
 * Row moves to and from a segment of which nothing is stored: taking the mean that its rows read as, and
 * writing it wherever one of them becomes whole. Emitted once per pair of such a segment and a full one.
 */

import type { Definition } from "./types.ts";

/** A declared move; emitted once per (source segment, destination segment). */
export interface MeanRows extends Definition {
  readonly kind: "mean_rows";
  /** Which of the two segments stores whole rows. */
  readonly whole: "source" | "destination";
}

/** Declares such a move; a file in kernels/ops/ exports it as its default. */
export function meanRows(
  spec: { readonly name: string; readonly whole: "source" | "destination" },
): MeanRows {
  return Object.freeze({ ...spec, kind: "mean_rows", hooks: [] });
}
