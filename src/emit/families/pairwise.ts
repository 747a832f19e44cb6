/** Pairwise kernels: every head of a row as a list of channel pairs, rotated in place. */

import type { Pairwise } from "../../dsl/pairwise.ts";
import { readOnly, STEP, stride, u32, updated } from "../signature_parts.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";
import { rotationContext } from "./rotation.ts";
import type { RotationContext } from "./rotation.ts";

/** What templates/<target>/pairwise.* read. */
export interface PairwiseContext extends RotationContext {
  /** Channel 2i pairs with 2i + 1; otherwise c with c + HEAD_DIM / 2. */
  readonly interleaved: boolean;
}

/** The family of pairwise kernels. */
export const pairwise: Family = Object.freeze<Family>({
  kind: "pairwise",
  heads: (source) => [source.definition.name],
  variants: () => [[]],
  emit(source, request, target) {
    const definition = source.definition as Pairwise;
    const context: PairwiseContext = {
      interleaved: definition.pairing === "interleaved",
      ...rotationContext(source, target),
    };
    return {
      signature: {
        name: kernelName(request),
        bindings: [
          updated("x", "f32", "nRows", "x_stride"),
          readOnly("rope", "f32", "nCtx", "headDim"),
          readOnly("row_position", "u32", "nRows"),
          STEP,
        ],
        constants: [
          u32("n_heads"),
          stride("x"),
          u32("x_offset", "elements before the first head of x"),
        ],
        defines: ["HEAD_DIM"],
      },
      doc: source.doc,
      from: [source.file],
      template: "pairwise",
      context: { ...context },
      grid: [{ of: { step: "nRows" } }],
    };
  },
});
