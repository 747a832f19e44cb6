/**
 * Matrix products: one kernel per packed order, and the author's epilogue on every output. The order
 * decides how weights are read; templates own tiles and the order of the sum.
 */

import type { ProductEntries } from "../../core/manifest.ts";
import { PACKINGS } from "../../core/packing.ts";
import type { Packing } from "../../core/packing.ts";
import type { Binding, Constant, Signature } from "../../core/signature.ts";
import type { Matmul } from "../../dsl/matmul.ts";
import { bindArguments } from "../arguments.ts";
import { emitFunc, varying } from "../func.ts";
import { markedText } from "../lines.ts";
import { hookScope } from "../names.ts";
import { requestedPacking } from "../packing_request.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";

/**
 * Outputs and rows of one item: enough rows to pay for unpacking the weights, few enough outputs that
 * small matrices still divide over threads. The grid and the templates share them.
 */
const OUTPUTS = 32;
const ROWS = 256;

/** What templates/<target>/matmul.* read. */
export interface MatmulContext {
  readonly packing: {
    /** The file of macros that read this order. */
    readonly kind: "plain" | "u4" | "u8";
    readonly codes: Packing["codes"];
    /** The type of scales and offsets; plain values have none. */
    readonly scale: Packing["scaleType"];
    readonly group: string;
  };
  readonly outputs: string;
  readonly rows: string;
  /** Names of the entry points around a library's product. */
  readonly product: ProductEntries;
  /** The epilogue's operands; their elements have these names, the product's is `sum`. */
  readonly inputs: readonly string[];
  /** Statements that depend on no element. */
  readonly uniform_lines: string;
  readonly epilogue_lines: string;
  /** The output's element. */
  readonly epilogue: string;
}

/** The family of matrix products. */
export const matmul: Family = Object.freeze<Family>({
  kind: "matmul",
  heads: (source) => [source.definition.name],
  variants: () => Object.keys(PACKINGS).map((name) => [name]),
  emit(source, request, target) {
    const definition = source.definition as Matmul;
    const packing = requestedPacking(request);
    const scope = hookScope();
    const func = source.funcs["epilogue"]!;
    const epilogue = emitFunc(func, {
      target,
      form: "lanes",
      scope,
      into: ["y"],
      args: bindArguments(func, definition.hooks[0]!.args, [
        varying("sum"),
        Object.fromEntries(definition.inputs.map((name) => [name, varying(name)])),
      ]),
    });
    const name = kernelName(request);
    const product = { unpack: `${name}_unpack`, finish: `${name}_finish` };
    const context: MatmulContext = {
      packing: describe(packing),
      outputs: String(OUTPUTS),
      rows: String(ROWS),
      product,
      inputs: definition.inputs,
      uniform_lines: markedText(epilogue.uniform),
      epilogue_lines: markedText(epilogue.lines),
      epilogue: epilogue.results[0]!,
    };
    return {
      signature: signature(name, definition),
      doc: [...source.doc, `W is packed as ${packing.name} (src/core/packing.ts).`],
      inputs: definition.inputs,
      from: [source.file],
      template: "matmul",
      context: { ...context },
      product,
      grid: [
        { of: { stepAt: "rows_field" }, per: ROWS },
        { of: { constant: "n_out" }, per: OUTPUTS },
      ],
    };
  },
});

const describe = ({ codes, scaleType, group }: Packing): MatmulContext["packing"] => ({
  kind: codes === "u4" || codes === "u8" ? codes : "plain",
  codes,
  scale: scaleType,
  group: String(group),
});

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(name: string, definition: Matmul): Signature {
  const input = (of: string): Binding => ({
    name: of,
    dtype: "f32",
    access: "read",
    shape: ["nRows", `${of}_stride`],
  });
  const stride = (of: string): Constant => ({
    name: `${of}_stride`,
    dtype: "u32",
    doc: `elements between rows of ${of}`,
  });
  const offset = (of: string): Constant => ({
    name: `${of}_offset`,
    dtype: "u32",
    doc: `elements before the first output's of ${of}`,
  });
  return {
    name,
    bindings: [
      input("x"),
      { name: "weight", dtype: "u8", access: "read", shape: ["packedBytes(nOut, nIn)"] },
      ...definition.inputs.map(input),
      { name: "y", dtype: "f32", access: "write", shape: ["nRows", "y_stride"] },
      { name: "step", dtype: "u32", access: "read", shape: ["stepFields"] },
    ],
    constants: [
      { name: "rows_field", dtype: "u32", doc: "the field of `step` that counts the rows" },
      { name: "n_in", dtype: "u32", doc: "a multiple of the packed group" },
      { name: "n_out", dtype: "u32" },
      stride("x"),
      stride("y"),
      offset("y"),
      ...definition.inputs.flatMap((of) => [stride(of), offset(of)]),
    ],
    defines: [],
  };
}
