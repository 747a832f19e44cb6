/**
 * Packing: a tensor's bytes as the file has them → the packed order that matrix products read. The hooks
 * of the storage type become small functions that the templates call.
 */

import type { Signature } from "../../core/signature.ts";
import { PACK_ROWS, PACKINGS } from "../../core/packing.ts";
import { STORAGE } from "../../core/storage.ts";
import type { Storage } from "../../dsl/storage.ts";
import { bindArguments, readParams, upTo, varying } from "../arguments.ts";
import { emitFunc } from "../func.ts";
import { markedText } from "../lines.ts";
import { hookScope, snakeCase } from "../names.ts";
import type { EmitTarget } from "../target.ts";
import { readOnly, u32, written } from "../signature_parts.ts";
import type { Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";

/** A function of a block's bytes `b` and a value's index `i` in it. */
interface BlockFunction {
  /** `q4_1_code`. */
  readonly name: string;
  /** Whether it depends on `i`. */
  readonly reads_index: boolean;
  /** Its statements, the last a return. */
  readonly lines: string;
}

/** What templates/<target>/pack_values.* read. */
export interface PackValuesContext {
  readonly element: "f32" | "f16" | "bf16";
  /** The value's bits, as the element has them. */
  readonly code: BlockFunction;
  /** Bytes of one value in the file. */
  readonly block_bytes: string;
}

/** What templates/<target>/pack_codes.* read. */
export interface PackCodesContext {
  readonly code: BlockFunction;
  readonly scale: BlockFunction;
  readonly offset: BlockFunction;
  /** Values and bytes of one block in the file. */
  readonly block_values: string;
  readonly block_bytes: string;
  /** Values of a row that share a scale and an offset in the packed order. */
  readonly group: string;
  /** The type of scales and offsets in the packed order. */
  readonly scale_element: "f16" | "f32";
  /** Whether a packed byte holds two codes: value j low, value j + group / 2 high. */
  readonly nibbles: boolean;
}

/** The family of pack kernels. */
export const pack: Family = Object.freeze<Family>({
  kind: "storage",
  heads: (source) => [`pack__${snakeCase(source.definition.name)}`],
  variants: () => [[]],
  emit(source, request, target) {
    const definition = source.definition as Storage;
    const { codes, scaleType, group, name } = PACKINGS[definition.packing];
    const { blockValues, blockBytes } = STORAGE[definition.name];
    const code = blockFunction(source, "code", target);
    const context: PackValuesContext | PackCodesContext = codes === "u4" || codes === "u8"
      ? {
        code,
        scale: blockFunction(source, "scale", target),
        offset: blockFunction(source, "offset", target),
        block_values: String(blockValues),
        block_bytes: String(blockBytes),
        group: String(group),
        scale_element: scaleType!,
        nibbles: codes === "u4",
      }
      : { element: codes, code, block_bytes: String(blockBytes) };
    return {
      signature: signature(kernelName(request)),
      doc: [
        `Packs ${definition.name} as ${name} (src/core/packing.ts).`,
        "",
        ...source.doc,
      ],
      from: [source.file],
      template: "element" in context ? "pack_values" : "pack_codes",
      context: { ...context },
      grid: [{ of: { constant: "n_out" }, per: PACK_ROWS }],
    };
  },
});

function blockFunction(source: KernelSource, path: string, target: EmitTarget): BlockFunction {
  const { definition, funcs } = source;
  const func = funcs[path]!;
  const hook = definition.hooks.find((h) => h.path === path)!;
  const { blockValues } = STORAGE[(definition as Storage).name];
  const index = upTo(varying("i"), blockValues - 1);
  const { uniform, lines, results } = emitFunc(func, {
    target,
    form: "scalar",
    scope: hookScope(),
    args: bindArguments(func, hook.args, [varying("b"), index]),
  });
  const { span } = func.nodes[func.results[0]!]!;
  return {
    name: `${snakeCase(definition.name)}_${path}`,
    reads_index: readParams(func).has(1),
    lines: markedText([...uniform, ...lines, { text: `return ${results[0]};`, span }]),
  };
}

/** The outside, as ARCHITECTURE.md's table has it. */
const signature = (name: string): Signature => ({
  name,
  bindings: [
    readOnly("src", "u8", "nOut", "rowBytes"),
    written("dst", "u8", "packedBytes(nOut, nIn)"),
  ],
  constants: [
    u32("n_out", "rows; the last group of sixteen is filled with zeros"),
    u32("n_in", "values of a row, a multiple of a block's"),
    u32(
      "head_dim",
      "0: rows as in the file; else heads of interleaved pairs become half-split ones",
    ),
    u32("dst_group", "first 16-row group to write"),
    u32("group_step", "2: every other group is another product's; else 1"),
  ],
  defines: [],
});
