/**
 * Row moves to and from a segment whose rows have channels of their own: thinning, and making whole again.
 * Emitted once per pair of such a segment and a full one that a layout's pruning moves rows between.
 */

import type { Definition } from "./types.ts";

/** A declared move; emitted once per (source segment, destination segment). */
export interface SetRows extends Definition {
  readonly kind: "set_rows";
  /** Which of the two segments stores whole rows. */
  readonly whole: "source" | "destination";
}

/** Declares such a move; a file in kernels/ops/ exports it as its default. */
export function setRows(
  spec: {
    readonly name: string;
    readonly source?: string;
    readonly whole: "source" | "destination";
  },
): SetRows {
  return Object.freeze({ ...spec, kind: "set_rows", hooks: [] });
}
