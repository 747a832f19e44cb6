/**
 * Declared reductions: how a column becomes a number. Called as a function a reduction runs in f64;
 * in kernels its step, merge and finish are printed into the template's loops, so it may be cut at any
 * row and merged.
 */

import type { Column, f32 } from "./types.ts";

/** The parts of a reduction; see `Reduction` in src/ir/types.ts for their order. */
export interface ReductionSpec {
  readonly name: string;
  readonly init: number;
  readonly step: (acc: f32, x: f32) => f32;
  readonly merge: (a: f32, b: f32) => f32;
  readonly finish: (acc: f32, n: f32) => f32;
}

/** A reduction: call it on a column. */
export interface ReductionFn {
  (column: Column): f32;
  readonly spec: ReductionSpec;
}

/**
 * Declares a reduction.
 *
 * @example
 * ```ts
 * import { reduction } from "kerf/dsl";
 * const sumOfFourthPowers = reduction({
 *   name: "sumOfFourthPowers",
 *   init: 0,
 *   step: (acc, x) => acc + x * x * x * x,
 *   merge: (a, b) => a + b,
 *   finish: (acc) => acc,
 * });
 * if (sumOfFourthPowers([1, 2]) !== 17) throw new Error("wrong");
 * ```
 */
export function reduction(spec: ReductionSpec): ReductionFn {
  const run = (column: Column): f32 => {
    let acc = spec.init;
    for (let i = 0; i < column.length; i++) acc = spec.step(acc, column[i]!);
    return spec.finish(acc, column.length);
  };
  return Object.freeze(Object.assign(run, { spec: Object.freeze({ ...spec }) }));
}
