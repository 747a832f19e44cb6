/**
 * Pairwise kernels: rotary embeddings and their kin. Every head of a row is a list of channel pairs;
 * `rotate` makes the two new values of a pair from the two old ones and the angle's cosine and sine.
 */

import { record, scalar } from "./types.ts";
import type { Definition, f32 } from "./types.ts";

/** What `rotate` reads: the pair and its angle at the row's position. */
export interface Pair {
  readonly a: f32;
  readonly b: f32;
  readonly cos: f32;
  readonly sin: f32;
}

/** `half`: channel c pairs with c + headDim/2. `interleaved`: channel 2i pairs with 2i + 1. */
export type Pairing = "half" | "interleaved";

/** What an author writes. */
export interface PairwiseSpec {
  readonly name: string;
  readonly source?: string;
  readonly pairing: Pairing;
  readonly rotate: (pair: Pair) => [f32, f32];
}

/** A declared pairwise kernel. */
export interface Pairwise extends Definition {
  readonly kind: "pairwise";
  readonly pairing: Pairing;
}

/** The hook schema of a rotation, shared with the cache append. */
export const rotateHook = (run: PairwiseSpec["rotate"]) => {
  const f = scalar("f32");
  return {
    path: "rotate",
    run,
    args: [record({ a: f, b: f, cos: f, sin: f })],
    results: ["f32", "f32"] as const,
  };
};

/** Declares a pairwise kernel; a file in kernels/ops/ exports one as its default. */
export function pairwise(spec: PairwiseSpec): Pairwise {
  return Object.freeze({
    kind: "pairwise",
    name: spec.name,
    ...(spec.source === undefined ? {} : { source: spec.source }),
    pairing: spec.pairing,
    hooks: [rotateHook(spec.rotate)],
  });
}
