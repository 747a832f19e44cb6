/**
 * Row-wise kernels: `reduce` becomes one pass of lane partials over the row, `each` a second pass that
 * writes the output, as values or as the codes of `NAME_q8`.
 */

import type { Binding, Constant, Signature } from "../../core/signature.ts";
import type { Rowwise } from "../../dsl/rowwise.ts";
import { bindArguments, readParams, uniform, varying } from "../arguments.ts";
import { emitValue } from "../emit_value.ts";
import { emitFunc } from "../func.ts";
import type { Argument } from "../arguments.ts";
import { markedText } from "../lines.ts";
import { hookScope } from "../names.ts";
import type { Scope } from "../names.ts";
import { paramConstants } from "../params.ts";
import { blockSums } from "../block_sums.ts";
import { emitReduction } from "../reduction.ts";
import type { EmittedReduction } from "../reduction.ts";
import type { EmitTarget } from "../target.ts";
import { readOnly, ROWS_FIELD, STEP, stride, u32, written } from "../signature_parts.ts";
import type { Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";

/** An input: `<name>_row` or `<name>_vector` in the templates, its element `<name>`. */
interface RowwiseColumn {
  readonly name: string;
  readonly kind: "row" | "vector";
}

/** Ends the name of a kernel that stores codes. */
const Q8 = "_q8";

/** What templates/<target>/rowwise.* and rowwise_q8.* read. */
export interface RowwiseContext {
  readonly inputs: readonly RowwiseColumn[];
  /** Whether the rows are those that `rows` lists. */
  readonly listed: boolean;
  /** Columns that the first pass reads; empty without `reduce`. */
  readonly reduced_columns: readonly RowwiseColumn[];
  readonly reductions: readonly EmittedReduction[];
  /** Statements between the passes: what the reductions make and what `each` needs once a row. */
  readonly row_lines: string;
  /** Columns that the second pass reads. */
  readonly columns: readonly RowwiseColumn[];
  readonly each_lines: string;
  /** The output's element. */
  readonly each: string;
  /** What the elements at a column add to their row's sum; null: nothing is summed. */
  readonly summed: string | null;
  readonly summed_lines: string;
}

/** The family of row-wise kernels. */
export const rowwise: Family = Object.freeze<Family>({
  kind: "rowwise",
  heads: ({ definition }) =>
    (definition as Rowwise).stores.map((as) => `${definition.name}${as === "q8" ? Q8 : ""}`),
  variants: () => [[]],
  emit(source, request, target) {
    const definition = source.definition as Rowwise;
    const isQ8 = request.head.endsWith(Q8);
    const names = Object.keys(definition.inputs);
    const params = paramConstants(definition.params);
    const scope = hookScope();
    const values = Object.fromEntries(
      Object.keys(definition.params).map((
        name,
        i,
      ) => [name, uniform(target.constant(params[i]!.name))]),
    );
    const reduce = emitReduce(source, { target, scope, values });
    const func = source.funcs["each"]!;
    const each = emitFunc(func, {
      target,
      form: "lanes",
      scope,
      into: ["y"],
      args: bindArguments(func, hookArgs(definition, "each"), [
        Object.fromEntries(names.map((name) => [name, varying(name)])),
        values,
        uniform(reduce.result),
      ]),
    });
    const summedFunc = source.funcs["summed"];
    const summed = summedFunc && emitValue(summedFunc, {
      target,
      form: "lanes",
      scope,
      args: bindArguments(summedFunc, hookArgs(definition, "summed"), [
        Object.fromEntries(names.map((name) => [name, varying(name)])),
      ]),
    });
    const read = new Set([...readParams(func), ...summedFunc ? readParams(summedFunc) : []]);
    const inputs = columnsOf(definition);
    const context: RowwiseContext = {
      inputs,
      listed: definition.rows === "listed",
      reduced_columns: reduce.columns,
      reductions: reduce.reductions,
      row_lines: markedText([...reduce.lines, ...each.uniform]),
      columns: inputs.filter((_, i) => read.has(i)),
      each_lines: markedText(each.lines),
      each: each.results[0]!,
      summed: summed?.value ?? null,
      summed_lines: summed?.lines ?? "",
    };
    return {
      signature: signature(kernelName(request), definition, {
        params,
        isQ8,
        isSummed: summed !== undefined,
      }),
      doc: isQ8 ? [...source.doc, "The rows come out as 8-bit codes."] : source.doc,
      inputs: names,
      from: [source.file],
      template: isQ8 ? "rowwise_q8" : "rowwise",
      context: { ...context },
      grid: [{ of: { stepAt: "rows_field" } }],
    };
  },
});

const columnsOf = (definition: Rowwise): RowwiseColumn[] =>
  Object.entries(definition.inputs).map(([name, kind]) => ({ name, kind }));

const hookArgs = (definition: Rowwise, path: string) =>
  definition.hooks.find((hook) => hook.path === path)!.args;

/** The first pass: what it reads, its accumulators, and the statements that make the row's number. */
function emitReduce(
  source: KernelSource,
  options: {
    readonly target: EmitTarget;
    readonly scope: Scope;
    readonly values: Readonly<Record<string, Argument>>;
  },
) {
  const { target, scope, values } = options;
  const func = source.funcs["reduce"];
  if (func === undefined) {
    return { columns: [], reductions: [], lines: [], result: target.literal(0, "f32").text };
  }
  const definition = source.definition as Rowwise;
  const inputs = columnsOf(definition);
  const reductions = new Map<string, EmittedReduction>();
  const keyOf = (name: string, param: number) => `${name} of ${param}`;
  for (const node of func.nodes) {
    if (node.kind !== "reduce") continue;
    const element = inputs[node.param]!.name;
    const result = scope.unique(`${node.reduction.name}_${element}`);
    const accumulator = scope.unique(`${result}_lanes`);
    const names = { accumulator, element, count: target.countAsF32("width"), result };
    const printed = emitReduction(node.reduction, names, { target, scope });
    reductions.set(keyOf(node.reduction.name, node.param), printed);
  }
  const reduce = emitFunc(func, {
    target,
    form: "scalar",
    scope,
    args: bindArguments(func, hookArgs(definition, "reduce"), [
      Object.fromEntries(inputs.map(({ name }) => [name, uniform(name)])),
      values,
    ]),
    into: [scope.unique(source.funcs["each"]!.params.at(-1)!.name)],
    reduce: (node) => reductions.get(keyOf(node.reduction.name, node.param))!.result,
  });
  const read = readParams(func);
  return {
    columns: inputs.filter((_, i) => read.has(i)),
    reductions: [...reductions.values()],
    lines: [...reduce.uniform, ...reduce.lines],
    result: reduce.results[0]!,
  };
}

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(
  name: string,
  definition: Rowwise,
  { params, isQ8, isSummed }: {
    readonly params: readonly Constant[];
    readonly isQ8: boolean;
    readonly isSummed: boolean;
  },
): Signature {
  const inputs = Object.entries(definition.inputs);
  const rows = definition.rows === "listed";
  const input = ([name, kind]: [string, "row" | "vector"]): Binding =>
    kind === "row"
      ? readOnly(name, "f32", "nRows", `${name}_stride`)
      : readOnly(name, "f32", "width");
  const strides = (of: string): Constant[] => [
    stride(of),
    u32(`${of}_offset`, `elements before the first column of ${of}`),
  ];
  return {
    name,
    bindings: [
      ...inputs.map(input),
      ...(rows ? [readOnly("rows", "u32", "nLogits")] : []),
      isQ8
        ? written("y", "u8", "nRows", "q8RowBytes(y_stride)")
        : written("y", "f32", "nRows", "y_stride"),
      ...(isQ8 && isSummed ? [blockSums("y_sums", { access: "write", stride: "y_stride" })] : []),
      STEP,
    ],
    constants: [
      ROWS_FIELD,
      u32("width"),
      ...inputs.filter(([, kind]) => kind === "row").flatMap(([name]) => strides(name)),
      ...strides("y"),
      ...params,
    ],
    defines: [],
  };
}
