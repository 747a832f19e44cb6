/**
 * The cache append: takes a row's q, k and v as the projection left them, rotates q in place, rotates k
 * and stores k and v into the last segment of their streams, as the layout says.
 */

import { rotateHook } from "./pairwise.ts";
import type { Pairing, PairwiseSpec } from "./pairwise.ts";
import type { Definition } from "./types.ts";

/** A declared cache append; emitted once per layout. */
export interface Append extends Definition {
  readonly kind: "append";
  readonly pairing: Pairing;
}

/** Declares the cache append; a file in kernels/ops/ exports it as its default. */
export function append(spec: PairwiseSpec): Append {
  return Object.freeze({
    kind: "append",
    name: spec.name,
    pairing: spec.pairing,
    hooks: [rotateHook(spec.rotate)],
  });
}
