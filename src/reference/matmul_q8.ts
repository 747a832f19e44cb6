/**
 * Products of 8-bit codes of activations with packed codes of weights, in the kernels' own arithmetic, which
 * fixes every bit: whole numbers inside a packed group, f32 over the groups in ascending order.
 */

import { packedRow } from "../core/packing.ts";
import { Q8_INPUTS } from "../core/quantized_row.ts";
import { fma32 } from "./fma32.ts";
import { finishProduct } from "./matmul.ts";
import type { MatmulProblem } from "./matmul.ts";
import type { CodedMatrix } from "./packed.ts";
import type { QuantizedRows } from "./quantized_row.ts";

/** A product as {@linkcode MatmulProblem} has it, of codes. */
export interface MatmulQ8Problem extends Omit<MatmulProblem, "x" | "weight"> {
  readonly x: QuantizedRows;
  /** Rows as they are packed: of two products those of both. */
  readonly weight: CodedMatrix;
  /** f32 [nRows]: what a row's sums are multiplied by where its norm ends in the product. */
  readonly scales?: ArrayLike<number>;
}

/** The product, f32 [nRows, nOut], when `epilogue` runs in f32. */
export function matmulQ8Exact(problem: MatmulQ8Problem): Float32Array {
  const { nRows, nOut, products = [], scales } = problem;
  const nProducts = products.length === 0 ? 1 : 2;
  return Float32Array.from({ length: nRows * nOut }, (_, i) => {
    const [row, output] = [Math.floor(i / nOut), i % nOut];
    const sums = Array.from(
      { length: nProducts },
      (_, product) => {
        const sum = sumOf(problem, row, packedRow(output, product, nProducts));
        return scales ? Math.fround(sum * scales[row]!) : sum;
      },
    );
    return finishProduct(problem, i, sums);
  });
}

function sumOf({ nIn, x, weight }: MatmulQ8Problem, row: number, wRow: number): number {
  const nGroups = weight.scales.length / weight.nOut;
  const group = nIn / nGroups;
  let sum = 0;
  for (let g = 0; g < nGroups; g++) {
    let [dot, xSum] = [0, 0];
    for (let k = g * group; k < (g + 1) * group; k++) {
      const code = x.codes[row * nIn + k]!;
      dot += code * weight.codes[wRow * nIn + k]!;
      xSum += code;
    }
    const at = wRow * nGroups + g;
    const scale = x.scales[Math.floor((row * nIn + g * group) / Q8_INPUTS)]!;
    sum = fma32(weight.offsets[at]!, xSum * scale, sum);
    sum = fma32(weight.scales[at]!, Math.fround(dot) * scale, sum);
  }
  return sum;
}
