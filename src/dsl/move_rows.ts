/**
 * Row moves between segments: compaction. Emitted once per pair of segments that a layout's pruning
 * moves rows between; gathers the kept channels when the destination stores a list, codes the rows when it
 * stores codes, and makes whole rows of coded ones and of those that lack channels.
 */

import type { Definition } from "./types.ts";

/** A declared row move; emitted once per (source segment, destination segment). */
export interface MoveRows extends Definition {
  readonly kind: "move_rows";
  /** Which of the two segments stores codes; null: neither. */
  readonly codes: "source" | "destination" | null;
  /** Whether rows come in an order of their own, as classes of rows do. */
  readonly ordered: boolean;
}

/** Declares a row move; a file in kernels/ops/ exports it as its default. */
export function moveRows(
  spec: {
    readonly name: string;
    readonly source?: string;
    readonly codes?: "source" | "destination";
    readonly ordered?: boolean;
  },
): MoveRows {
  return Object.freeze({ codes: null, ordered: false, ...spec, kind: "move_rows", hooks: [] });
}
