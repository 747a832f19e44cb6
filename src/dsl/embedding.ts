/**
 * The embedding gather: row `tokens[r]` of a packed matrix becomes row r of the activations.
 */

import { scalar } from "./types.ts";
import type { Definition, f32 } from "./types.ts";

/** What an author writes: `each` maps the stored value to the activation (some models scale it). */
export interface EmbeddingSpec {
  readonly name: string;
  readonly each: (x: f32) => f32;
}

/** A declared embedding gather; emitted once per packing. */
export interface Embedding extends Definition {
  readonly kind: "embedding";
}

/** Declares an embedding gather; a file in kernels/ops/ exports one as its default. */
export function embedding(spec: EmbeddingSpec): Embedding {
  return Object.freeze({
    kind: "embedding",
    name: spec.name,
    hooks: [{ path: "each", run: spec.each, args: [scalar("f32")], results: ["f32"] as const }],
  });
}
