/**
 * Norms that only scale rows, cut in two: what makes the rows stores them but for their scale, with what each
 * block of a row adds to a sum; the product that reads them makes the scale of that sum and multiplies its own
 * sums by it. So a norm is no pass over the rows.
 */

import type { ParamSpecs, ParamValues } from "./params.ts";
import type { f32 } from "./types.ts";

/** A norm y = gain(x, weight) · scale(Σ summed(x), n) of rows of n elements. */
export interface SplitNorm<P extends ParamSpecs = ParamSpecs> {
  readonly params: P;
  /** An element but for its row's scale; `weight` is the norm's at its column. */
  gain(x: f32, weight: f32): f32;
  /** What an element adds to its row's sum. */
  summed(x: f32): f32;
  /** The scale of a row of n elements. */
  scale(sum: f32, n: f32, params: ParamValues<P>): f32;
}

/** Declares such a norm; files of products and row-wise kernels import it. */
export const splitNorm = <const P extends ParamSpecs>(norm: SplitNorm<P>): SplitNorm<P> =>
  Object.freeze(norm);
