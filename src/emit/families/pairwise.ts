/** Pairwise kernels: every head of a row as a list of channel pairs, rotated in place. */

import type { Pairwise } from "../../dsl/pairwise.ts";
import { bindArguments } from "../arguments.ts";
import { emitFunc, varying } from "../func.ts";
import { markedText } from "../lines.ts";
import { hookScope } from "../names.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";

/** What templates/<target>/pairwise.* read. */
export interface PairwiseContext {
  /** Channel 2i pairs with 2i + 1; otherwise c with c + HEAD_DIM / 2. */
  readonly interleaved: boolean;
  /** Statements that depend on no pair. */
  readonly uniform_lines: string;
  /** Statements that make the new values of `a` and `b` from those and `cos` and `sin`. */
  readonly rotate_lines: string;
  readonly new_a: string;
  readonly new_b: string;
}

/** The family of pairwise kernels. */
export const pairwise: Family = Object.freeze<Family>({
  kind: "pairwise",
  heads: (source) => [source.definition.name],
  variants: () => [[]],
  emit(source, request, target) {
    const definition = source.definition as Pairwise;
    const func = source.funcs["rotate"]!;
    const names = ["a", "b", "cos", "sin"];
    const rotate = emitFunc(func, {
      target,
      form: "lanes",
      scope: hookScope(),
      into: ["new_a", "new_b"],
      args: bindArguments(func, definition.hooks[0]!.args, [
        Object.fromEntries(names.map((name) => [name, varying(name)])),
      ]),
    });
    const context: PairwiseContext = {
      interleaved: definition.pairing === "interleaved",
      uniform_lines: markedText(rotate.uniform),
      rotate_lines: markedText(rotate.lines),
      new_a: rotate.results[0]!,
      new_b: rotate.results[1]!,
    };
    return {
      signature: {
        name: kernelName(request),
        bindings: [
          { name: "x", dtype: "f32", access: "readwrite", shape: ["nRows", "x_stride"] },
          { name: "rope", dtype: "f32", access: "read", shape: ["nCtx", "headDim"] },
          { name: "row_position", dtype: "u32", access: "read", shape: ["nRows"] },
          { name: "step", dtype: "u32", access: "read", shape: ["stepFields"] },
        ],
        constants: [
          { name: "n_heads", dtype: "u32" },
          { name: "x_stride", dtype: "u32", doc: "elements between rows of x" },
          { name: "x_offset", dtype: "u32", doc: "elements before the first head of x" },
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
