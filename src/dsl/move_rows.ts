/**
 * Row moves between segments: compaction. Emitted once per pair of segments that a layout's pruning
 * moves rows between; gathers the kept channels when the destination stores a list, codes the rows when it
 * stores codes.
 */

import type { Definition } from "./types.ts";

/** A declared row move; emitted once per (source segment, destination segment). */
export interface MoveRows extends Definition {
  readonly kind: "move_rows";
  /** Whether its destinations store codes. */
  readonly codes: boolean;
}

/** Declares a row move; a file in kernels/ops/ exports it as its default. */
export function moveRows(
  spec: { readonly name: string; readonly source?: string; readonly codes?: boolean },
): MoveRows {
  return Object.freeze({ codes: false, ...spec, kind: "move_rows", hooks: [] });
}
