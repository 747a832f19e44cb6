/**
 * Matrix products: one kernel per packed order, and the author's epilogue on every output, made of one
 * product or of two whose packed rows alternate. The order decides how weights are read; templates own
 * tiles and the order of the sum. `NAME_q8` multiplies the codes of weights by 8-bit codes of x,
 * `NAME_q8_q8` stores what it makes of them as such codes.
 */

import type { ProductEntries } from "../../core/manifest.ts";
import { PACKINGS } from "../../core/packing.ts";
import type { Packing } from "../../core/packing.ts";
import type { Binding, Constant, Signature } from "../../core/signature.ts";
import type { Matmul } from "../../dsl/matmul.ts";
import { bindArguments } from "../arguments.ts";
import { blockSums } from "../block_sums.ts";
import { emitFunc, uniform, varying } from "../func.ts";
import type { Argument } from "../func.ts";
import { markedText } from "../lines.ts";
import { hookScope } from "../names.ts";
import { paramConstants } from "../params.ts";
import { requestedPacking } from "../packing_request.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";

/**
 * Packed rows and rows of x of one item: enough of x to pay for unpacking the weights, few enough packed
 * rows that small matrices still divide over threads. The grid and the templates share them.
 */
const OUTPUTS = 32;
const ROWS = 256;

/** Ends the name of a kernel that multiplies codes by codes, twice where it stores codes too. */
const Q8 = "_q8";

/** What templates/<target>/matmul.* and matmul_q8.* read. */
export interface MatmulContext {
  readonly packing: {
    /** The file of macros that read this order. */
    readonly kind: "plain" | "u4" | "u8";
    readonly codes: Packing["codes"];
    /** Of a code or a value. */
    readonly bits: string;
    /** The type of scales and offsets; plain values have none. */
    readonly scale: Packing["scaleType"];
    readonly group: string;
  };
  readonly outputs: string;
  readonly rows: string;
  /** Names of the entry points around a library's product. */
  readonly product: ProductEntries;
  /** Whether rows of x are 8-bit codes. */
  readonly codes_of_x: boolean;
  /** Whether the output is stored as 8-bit codes, a block of them an item. */
  readonly stores_codes: boolean;
  /** Whether an output has two products. */
  readonly paired: boolean;
  /** The names of an output's products: `sum` where there is one. */
  readonly sums: readonly string[];
  /** The epilogue's further operands; their elements have these names. */
  readonly inputs: readonly string[];
  /** Statements that depend on no element. */
  readonly uniform_lines: string;
  readonly epilogue_lines: string;
  /** The output's element. */
  readonly epilogue: string;
  /** The scale of rows of x whose norm ends here, of their sums `total`; null: x is what it is. */
  readonly scale: Emitted | null;
  /** What the codes are of and what an element adds to its row's sum, of the output's element; null: codes are of the output. */
  readonly before: { readonly gain: Emitted; readonly summed: Emitted } | null;
}

/** A hook's value and the statements before it. */
interface Emitted {
  readonly lines: string;
  readonly value: string;
}

/** The family of matrix products. */
export const matmul: Family = Object.freeze<Family>({
  kind: "matmul",
  heads: ({ definition }) => {
    const { name, stores } = definition as Matmul;
    const values = stores.includes("f32") ? [name, `${name}${Q8}`] : [];
    return stores.includes("q8") ? [...values, `${name}${Q8}${Q8}`] : values;
  },
  variants: (_source, _shipped, head) =>
    Object.values(PACKINGS)
      .filter(({ scaleType }) => scaleType !== null || !head.endsWith(Q8))
      .map(({ name }) => [name]),
  emit(source, request, target) {
    const definition = source.definition as Matmul;
    const isQ8 = request.head.endsWith(Q8);
    const storesCodes = request.head.endsWith(`${Q8}${Q8}`);
    const packing = requestedPacking(request);
    const scope = hookScope();
    const func = source.funcs["epilogue"]!;
    const { products, inputs } = definition;
    const paired = products.length > 0;
    const operands = (names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [name, varying(name)]));
    const epilogue = emitFunc(func, {
      target,
      form: "lanes",
      scope,
      into: ["y"],
      args: bindArguments(func, definition.hooks[0]!.args, [
        paired ? operands(products) : varying("sum"),
        operands(inputs),
      ]),
    });
    const hook = (
      path: string,
      args: readonly Argument[],
      into: readonly string[] = [],
    ): Emitted => {
      const func = source.funcs[path]!;
      const { uniform, lines, results } = emitFunc(func, {
        ...{ target, form: "lanes", scope, into, args },
      });
      return { lines: markedText([...uniform, ...lines]), value: results[0]! };
    };
    const params = isQ8 && definition.after ? paramConstants(definition.after.params) : [];
    const y = epilogue.results[0]!;
    const name = kernelName(request);
    const product = {
      unpack: `${name}_unpack`,
      finish: `${name}_finish`,
      rowsPerOutput: paired ? 2 : 1,
    } as const;
    const context: MatmulContext = {
      packing: describe(packing),
      outputs: String(OUTPUTS),
      rows: String(ROWS),
      product,
      codes_of_x: isQ8,
      stores_codes: storesCodes,
      paired,
      sums: paired ? products : ["sum"],
      inputs,
      uniform_lines: markedText(epilogue.uniform),
      epilogue_lines: markedText(epilogue.lines),
      epilogue: y,
      scale: isQ8 && definition.after
        ? hook("after.scale", [
          ...[varying("total"), uniform(target.countAsF32("n_in"))],
          ...params.map((param) => uniform(target.constant(param.name))),
        ], ["scale"])
        : null,
      before: storesCodes && definition.before
        ? {
          gain: hook("before.gain", [varying(y), varying("gain")]),
          summed: hook("before.summed", [varying(y)]),
        }
        : null,
    };
    return {
      signature: signature(name, definition, { isQ8, storesCodes, params }),
      doc: [
        ...source.doc,
        ...(isQ8 && definition.after
          ? ["x is normed but for the rows' scales, which are made here of x_sums."]
          : []),
        ...(storesCodes && definition.before
          ? [
            "y_codes are y but for the scales of the norm that comes next, y_sums what makes them.",
          ]
          : []),
        ...(isQ8
          ? [
            `x comes as 8-bit codes${
              storesCodes && !definition.before ? ", and so y is stored" : ""
            }.`,
          ]
          : []),
        paired
          ? `Packed as ${packing.name}, sixteen rows of ${products[0]}, sixteen of ${
            products[1]
          }, and so on.`
          : `W is packed as ${packing.name} (src/core/packing.ts).`,
      ],
      inputs: [...products, ...inputs],
      from: [source.file],
      template: isQ8 ? "matmul_q8" : "matmul",
      context: { ...context },
      product,
      grid: [
        { of: { stepAt: "rows_field" }, per: ROWS },
        { of: { constant: "n_out" }, per: storesCodes ? OUTPUTS : OUTPUTS / product.rowsPerOutput },
      ],
    };
  },
});

const describe = ({ codes, scaleType, group }: Packing): MatmulContext["packing"] => ({
  kind: codes === "u4" || codes === "u8" ? codes : "plain",
  bits: codes.replace(/^\D+/, ""),
  codes,
  scale: scaleType,
  group: String(group),
});

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(
  name: string,
  { products, inputs, after, before }: Matmul,
  { isQ8, storesCodes, params }: {
    readonly isQ8: boolean;
    readonly storesCodes: boolean;
    readonly params: readonly Constant[];
  },
): Signature {
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
  const values: Binding = {
    name: "y",
    dtype: "f32",
    access: "write",
    shape: ["nRows", "y_stride"],
  };
  const codes = (of: string): Binding => ({
    name: of,
    dtype: "u8",
    access: "write",
    shape: ["nRows", "q8RowBytes(y_stride)"],
  });
  const packed = products.length > 0 ? "2 * packedBytes(nOut, nIn)" : "packedBytes(nOut, nIn)";
  return {
    name,
    bindings: [
      isQ8
        ? { name: "x", dtype: "u8", access: "read", shape: ["nRows", "q8RowBytes(x_stride)"] }
        : input("x"),
      { name: "weight", dtype: "u8", access: "read", shape: [packed] },
      ...(isQ8 && after ? [blockSums("x_sums", { access: "read", stride: "n_in" })] : []),
      ...inputs.map(input),
      ...(storesCodes && before
        ? [
          { name: "gain", dtype: "f32", access: "read", shape: ["y_stride"] } as const,
          values,
          codes("y_codes"),
          blockSums("y_sums", { access: "write", stride: "y_stride" }),
        ]
        : [storesCodes ? codes("y") : values]),
      { name: "step", dtype: "u32", access: "read", shape: ["stepFields"] },
    ],
    constants: [
      { name: "rows_field", dtype: "u32", doc: "the field of `step` that counts the rows" },
      { name: "n_in", dtype: "u32", doc: "a multiple of the packed group" },
      { name: "n_out", dtype: "u32", ...(storesCodes ? { doc: "a multiple of 32" } : {}) },
      stride("x"),
      stride("y"),
      offset("y"),
      ...inputs.flatMap((of) => [stride(of), offset(of)]),
      ...params,
    ],
    defines: [],
  };
}
