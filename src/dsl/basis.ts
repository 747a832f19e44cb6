/**
 * Basis steps: a stream is stored in an orthogonal basis instead of the model's own channels. Logits and
 * outputs stay what they are; what a code loses is spread over all channels, so that one far-off channel no
 * longer sets the scale of its whole group.
 */

import type { Amount } from "./accumulator.ts";

/** What an author writes for a basis step. */
export interface BasisSpec {
  /** `key`: queries and keys are turned after RoPE. `value`: values are, and attention's output turned back. */
  readonly of: "key" | "value";
  /** 0: the stream keeps its own channels. Default 1. */
  readonly if?: Amount;
}

/** A basis step of a variant. */
export interface BasisStep extends Required<BasisSpec> {
  readonly kind: "basis";
}

/**
 * Stores a stream in the Walsh-Hadamard basis, whose rows are ±1/√headDim: symmetric, its own inverse, and
 * turned into with headDim · log₂ headDim additions a head. headDim must be a power of two.
 *
 * Source: QuaRot, arXiv:2404.00456, section 3.
 *
 * @example
 * ```ts
 * import { basis } from "kerf/dsl";
 * if (basis({ of: "value" }).if !== 1) throw new Error("a declared basis is used");
 * ```
 */
export function basis(spec: BasisSpec): BasisStep {
  return Object.freeze({ if: 1, ...spec, kind: "basis" });
}
