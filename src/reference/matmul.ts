/**
 * Matrix products as their definition reads: a naive f64 loop over dequantised weights, and the same loop
 * in the kernels' own arithmetic, which fixes every bit.
 */

import { fma32 } from "./fma32.ts";
import type { HookRunner } from "./hooks.ts";

/** One product y = epilogue(x · Wᵀ). */
export interface MatmulProblem {
  readonly nRows: number;
  readonly nIn: number;
  readonly nOut: number;
  /** f32 [nRows, nIn] */
  readonly x: ArrayLike<number>;
  /** f32 [nOut, nIn], dequantised. */
  readonly weight: ArrayLike<number>;
  readonly epilogue: HookRunner;
  /** The epilogue's further operands, f32 [nRows, nOut] each. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number>>>;
}

/** A product in f64. */
export interface MatmulResult {
  /** f64 [nRows, nOut] */
  readonly y: Float64Array;
  /** f64 [nRows, nOut]: Σ |x·w| of each element, which scales the rounding errors of its sum. */
  readonly magnitude: Float64Array;
}

/** The product in f64. */
export function matmulReference(problem: MatmulProblem): MatmulResult {
  const { nRows, nIn, nOut, x, weight } = problem;
  const y = new Float64Array(nRows * nOut);
  const magnitude = new Float64Array(nRows * nOut);
  for (let i = 0; i < y.length; i++) {
    const [xRow, wRow] = [Math.floor(i / nOut) * nIn, (i % nOut) * nIn];
    let sum = 0;
    for (let k = 0; k < nIn; k++) {
      const term = x[xRow + k]! * weight[wRow + k]!;
      sum += term;
      magnitude[i]! += Math.abs(term);
    }
    y[i] = finish(problem, i, sum);
  }
  return { y, magnitude };
}

/**
 * The product with f32 sums over ascending inputs, one fused multiply-add each, f32 [nRows, nOut]: what
 * every tile, thread count and target must give to the bit when `epilogue` runs in f32.
 */
export function matmulExact(problem: MatmulProblem): Float32Array {
  const { nRows, nIn, nOut, x, weight } = problem;
  return Float32Array.from({ length: nRows * nOut }, (_, i) => {
    const [xRow, wRow] = [Math.floor(i / nOut) * nIn, (i % nOut) * nIn];
    let sum = 0;
    for (let k = 0; k < nIn; k++) sum = fma32(x[xRow + k]!, weight[wRow + k]!, sum);
    return finish(problem, i, sum);
  });
}

function finish({ epilogue, inputs = {} }: MatmulProblem, index: number, sum: number): number {
  const operands = Object.entries(inputs).map(([name, values]) => [name, values[index]!]);
  return epilogue(sum, Object.fromEntries(operands))[0] as number;
}
