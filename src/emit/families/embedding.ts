/** The embedding gather: one kernel per packed order, and the author's `each` on every element. */

import type { Signature } from "../../core/signature.ts";
import { PACKINGS } from "../../core/packing.ts";
import type { Packing } from "../../core/packing.ts";
import { bindArguments, varying } from "../arguments.ts";
import { emitFunc } from "../func.ts";
import { markedText } from "../lines.ts";
import { hookScope } from "../names.ts";
import { requestedPacking } from "../packing_request.ts";
import { readOnly, STEP, stride, u32, written } from "../signature_parts.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";

/** What templates/<target>/embedding_codes.* and embedding_values.* read. */
export interface EmbeddingContext {
  /** Statements that depend on no element. */
  readonly uniform_lines: string;
  readonly each_lines: string;
  /** The output's elements from the stored ones, `x`. */
  readonly each: string;
}

/** What the template of coded orders reads beside that. */
export interface EmbeddingCodesContext extends EmbeddingContext {
  /** Inputs that share a scale and an offset. */
  readonly group: string;
  /** The type of scales and offsets. */
  readonly scale: "f16" | "f32";
  /** Whether a byte holds two codes: input j low, input j + group / 2 high. */
  readonly nibbles: boolean;
}

/** What the template of plain orders reads beside that. */
export interface EmbeddingValuesContext extends EmbeddingContext {
  readonly element: "f32" | "f16" | "bf16";
}

/** The family of embedding gathers. */
export const embedding: Family = Object.freeze<Family>({
  kind: "embedding",
  heads: (source) => [source.definition.name],
  variants: () => Object.keys(PACKINGS).map((name) => [name]),
  emit(source, request, target) {
    const packing = requestedPacking(request);
    const func = source.funcs["each"]!;
    const each = emitFunc(func, {
      target,
      form: "lanes",
      scope: hookScope(),
      into: ["y"],
      args: bindArguments(func, source.definition.hooks[0]!.args, [varying("x")]),
    });
    const shared: EmbeddingContext = {
      uniform_lines: markedText(each.uniform),
      each_lines: markedText(each.lines),
      each: each.results[0]!,
    };
    const context = contextOf(packing, shared);
    return {
      signature: signature(kernelName(request)),
      doc: [...source.doc, `The table is packed as ${packing.name} (src/core/packing.ts).`],
      from: [source.file],
      template: "element" in context ? "embedding_values" : "embedding_codes",
      context: { ...context },
      grid: [{ of: { step: "nRows" } }],
    };
  },
});

function contextOf(
  { codes, scaleType, group }: Packing,
  shared: EmbeddingContext,
): EmbeddingCodesContext | EmbeddingValuesContext {
  if (codes === "u4" || codes === "u8") {
    return { ...shared, group: String(group), scale: scaleType!, nibbles: codes === "u4" };
  }
  return { ...shared, element: codes };
}

/** The outside, as ARCHITECTURE.md's table has it. */
const signature = (name: string): Signature => ({
  name,
  bindings: [
    readOnly("tokens", "u32", "nRows"),
    readOnly("weight", "u8", "packedBytes(n_rows, width)"),
    written("y", "f32", "nRows", "y_stride"),
    STEP,
  ],
  constants: [
    u32("width", "elements of a row, a multiple of the packed group"),
    stride("y"),
    u32("first_row", "the token of the weight's first row"),
    u32("n_rows", "rows in the weight; the others' tokens are left alone"),
  ],
  defines: [],
});
