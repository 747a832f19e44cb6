/**
 * What channels lose as codes: the measurement that bits per channel are chosen by. Emitted once per pair of
 * segments whose second has two classes of channels; stores nothing in the cache.
 */

import type { Definition } from "./types.ts";

/** A declared measurement of losses; emitted once per (full segment, coded segment). */
export interface CodingLosses extends Definition {
  readonly kind: "coding_losses";
  /** Whether rows come in an order of their own, as classes of rows do. */
  readonly ordered: boolean;
}

/** Declares a measurement of losses; a file in kernels/ops/ exports it as its default. */
export function codingLosses(
  { name, ordered = false }: { readonly name: string; readonly ordered?: boolean },
): CodingLosses {
  return Object.freeze({ kind: "coding_losses", name, ordered, hooks: [] });
}
