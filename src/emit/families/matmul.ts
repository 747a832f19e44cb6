/**
 * Matrix products: one kernel per packed order, and the author's epilogue on every output, made of one
 * product or of two whose packed rows alternate. The order decides how weights are read; templates own
 * tiles and the order of the sum. `NAME_q8` multiplies the codes of weights by 8-bit codes of x,
 * `NAME_q8_q8` stores what it makes of them as such codes; `NAME_largest` and `NAME_q8_largest` store no
 * outputs but the largest of each sixteen and its place. `NAME_q8_append` is in append_product.ts.
 */

import type { ProductEntries } from "../../core/manifest.ts";
import { PACKINGS } from "../../core/packing.ts";
import type { Packing } from "../../core/packing.ts";
import type { Matmul } from "../../dsl/matmul.ts";
import { layoutName } from "../../layout/name.ts";
import { bindArguments, uniform, varying } from "../arguments.ts";
import { emitValue } from "../emit_value.ts";
import type { EmittedValue } from "../emit_value.ts";
import { emitFunc } from "../func.ts";
import type { Argument } from "../arguments.ts";
import { markedText } from "../lines.ts";
import { hookScope } from "../names.ts";
import { paramConstants } from "../params.ts";
import { requestedPacking } from "../packing_request.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";
import { appendProductContext } from "./append_product.ts";
import type { AppendProductContext } from "./append_product.ts";
import { matmulSignature } from "./matmul_signature.ts";
import { headsOf, kindOf } from "./product_kind.ts";
import type { ProductKind } from "./product_kind.ts";

/**
 * Packed rows and rows of x of one item: enough of x to pay for unpacking the weights, few enough packed
 * rows that small matrices still divide over threads. The grid and the templates share them.
 */
const OUTPUTS = 32;
const ROWS = 256;

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
  /** Names of the entry points around a library's product; null: no library stores what this one does. */
  readonly product: ProductEntries | null;
  /** Whether rows of x are 8-bit codes. */
  readonly codes_of_x: boolean;
  /** Whether the output is stored as 8-bit codes, a block of them an item. */
  readonly stores_codes: boolean;
  /** Whether only the largest of each sixteen outputs is stored, and its place. */
  readonly stores_largest: boolean;
  /** How q, k and v are appended; null: y is stored. */
  readonly appends: AppendProductContext | null;
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
  readonly scale: EmittedValue | null;
  /** What the codes are of and what an element adds to its row's sum, of the output's element; null: codes are of the output. */
  readonly before: { readonly gain: EmittedValue; readonly summed: EmittedValue } | null;
}

/** The family of matrix products. */
export const matmul: Family = Object.freeze<Family>({
  kind: "matmul",
  heads: ({ definition }) => headsOf(definition as Matmul),
  variants: (_source, { layouts }, head) =>
    Object.values(PACKINGS)
      .filter(({ scaleType }) => scaleType !== null || !kindOf(head).isQ8)
      // Of layouts only the last segments matter, which are those of the dense one.
      .map(({ name }) => [name, ...(kindOf(head).appends ? [layoutName(layouts[0]!)] : [])]),
  emit(source, request, target) {
    const definition = source.definition as Matmul;
    const kind = kindOf(request.head);
    const { isQ8, storesCodes, storesLargest, appends } = kind;
    const packing = requestedPacking(
      appends ? { ...request, suffixes: request.suffixes.slice(0, 1) } : request,
    );
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
    ) => emitValue(source.funcs[path]!, { target, form: "lanes", scope, into, args });
    const params = isQ8 && definition.after ? paramConstants(definition.after.params) : [];
    const y = epilogue.results[0]!;
    const name = kernelName(request);
    const rowsPerOutput = paired ? 2 : 1;
    const product = storesLargest || appends
      ? null
      : { unpack: `${name}_unpack`, finish: `${name}_finish`, rowsPerOutput } as const;
    const context: MatmulContext = {
      packing: describe(packing),
      outputs: String(OUTPUTS),
      rows: String(ROWS),
      product,
      codes_of_x: isQ8,
      stores_codes: storesCodes,
      stores_largest: storesLargest,
      appends: appends ? appendProductContext(source, { request, target }) : null,
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
      signature: matmulSignature(name, definition, { ...kind, params }),
      doc: [...source.doc, ...docOf(definition, { ...kind, packing })],
      inputs: [...products, ...inputs],
      from: [source.file],
      template: appends ? "matmul_append" : isQ8 ? "matmul_q8" : "matmul",
      context: { ...context },
      ...(product ? { product } : {}),
      grid: [
        { of: { stepAt: "rows_field" }, per: ROWS },
        { of: { constant: "n_out" }, per: storesCodes ? OUTPUTS : OUTPUTS / rowsPerOutput },
      ],
    };
  },
});

/** What a kernel's comment says beside the author's words. */
function docOf(
  { after, before, products }: Matmul,
  { isQ8, storesCodes, storesLargest, appends, packing }: ProductKind & {
    readonly packing: Packing;
  },
): string[] {
  return [
    ...(isQ8 && after
      ? ["x is normed but for the rows' scales, which are made here of x_sums."]
      : []),
    ...(storesCodes && before
      ? [
        "y_codes are y but for the scales of the norm that comes next, y_sums what makes them.",
      ]
      : []),
    ...(isQ8
      ? [
        `x comes as 8-bit codes${storesCodes && !before ? ", and so y is stored" : ""}.`,
      ]
      : []),
    ...(storesLargest
      ? ["Of each sixteen outputs of a row only the largest is stored, and its place."]
      : []),
    ...(appends
      ? [
        "y has q, k and v of rows: q is rotated and stored, k is rotated, and k and v are stored in the cache.",
      ]
      : []),
    products.length > 0
      ? `Packed as ${packing.name}, sixteen rows of ${products[0]}, sixteen of ${
        products[1]
      }, and so on.`
      : `W is packed as ${packing.name} (src/core/packing.ts).`,
  ];
}

const describe = ({ codes, scaleType, group }: Packing): MatmulContext["packing"] => ({
  kind: codes === "u4" || codes === "u8" ? codes : "plain",
  bits: codes.replace(/^\D+/, ""),
  codes,
  scale: scaleType,
  group: String(group),
});
