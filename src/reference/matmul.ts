/**
 * Matrix products as their definition reads: a naive f64 loop over dequantised weights, and the same loop
 * in the kernels' own arithmetic, which fixes every bit.
 */

import { packedRow } from "../core/packing.ts";
import { fma32 } from "./fma32.ts";
import type { HookRunner } from "./hooks.ts";

/** One product y = epilogue(x · Wᵀ). */
export interface MatmulProblem {
  readonly nRows: number;
  readonly nIn: number;
  readonly nOut: number;
  /** f32 [nRows, nIn] */
  readonly x: ArrayLike<number>;
  /** f32 [nOut, nIn], dequantised; of two products the rows of both as they are packed, padded. */
  readonly weight: ArrayLike<number>;
  readonly epilogue: HookRunner;
  /** Names of an output's two products; none: it has one. */
  readonly products?: readonly string[];
  /** The epilogue's further operands, f32 [nRows, nOut] each. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number>>>;
}

/** A product in f64. */
export interface MatmulResult {
  /** f64 [nRows, nOut] */
  readonly y: Float64Array;
  /**
   * How far y[i] may be off where each of its sums is off by `relative` of its Σ |x·w|, which scales the
   * rounding errors of a sum, and by `absolute`.
   */
  readonly bound: (i: number, relative: number, absolute?: number) => number;
}

/** The product in f64. */
export function matmulReference(problem: MatmulProblem): MatmulResult {
  const { nRows, nIn, nOut, x, weight } = problem;
  const sums = Array.from(
    { length: nRows * nOut },
    (_, i) =>
      rowsOf(problem, i).map(({ xRow, wRow }) => {
        let [sum, magnitude] = [0, 0];
        for (let k = 0; k < nIn; k++) {
          const term = x[xRow + k]! * weight[wRow + k]!;
          sum += term;
          magnitude += Math.abs(term);
        }
        return { sum, magnitude };
      }),
  );
  const y = Float64Array.from(sums, (of, i) => finishProduct(problem, i, of.map(({ sum }) => sum)));
  const bound = (i: number, relative: number, absolute = 0): number => {
    const [first, second] = sums[i]!.map(({ sum, magnitude }) => {
      const error = relative * magnitude + absolute;
      return { error, ends: [sum - error, sum + error] };
    });
    if (second === undefined) return first!.error;
    const corners = first!.ends.flatMap((a) =>
      second.ends.map((b) => finishProduct(problem, i, [a, b]))
    );
    // Between the corners a smooth epilogue goes hardly further.
    return 1.25 * Math.max(...corners.map((corner) => Math.abs(corner - y[i]!)));
  };
  return { y, bound };
}

/**
 * The product with f32 sums over ascending inputs, one fused multiply-add each, f32 [nRows, nOut]: what
 * every tile, thread count and target must give to the bit when `epilogue` runs in f32.
 */
export function matmulExact(problem: MatmulProblem): Float32Array {
  const { nRows, nIn, nOut, x, weight } = problem;
  return Float32Array.from({ length: nRows * nOut }, (_, i) => {
    const sums = rowsOf(problem, i).map(({ xRow, wRow }) => {
      let sum = 0;
      for (let k = 0; k < nIn; k++) sum = fma32(x[xRow + k]!, weight[wRow + k]!, sum);
      return sum;
    });
    return finishProduct(problem, i, sums);
  });
}

/** Where the row of x and the row of W of each product of output `index` start. */
function rowsOf({ nIn, nOut, products = [] }: MatmulProblem, index: number) {
  const [row, output] = [Math.floor(index / nOut), index % nOut];
  const nProducts = products.length === 0 ? 1 : 2;
  return Array.from({ length: nProducts }, (_, product) => ({
    xRow: row * nIn,
    wRow: packedRow(output, product, nProducts) * nIn,
  }));
}

/** An output of its sums, one for each product. */
export function finishProduct(
  { epilogue, products = [], inputs = {} }: Pick<MatmulProblem, "epilogue" | "products" | "inputs">,
  index: number,
  sums: readonly number[],
): number {
  const made = products.length === 0
    ? sums[0]
    : Object.fromEntries(products.map((name, p) => [name, sums[p]!]));
  const operands = Object.entries(inputs).map(([name, values]) => [name, values[index]!]);
  return epilogue(made, Object.fromEntries(operands))[0] as number;
}
