/**
 * Channel scores of a pruning variant: its reductions over the last queries and over all keys, then its
 * score for sixteen channels at a time. Keys are reduced once per channel, however often the score reads
 * them and whatever the query head.
 */

import { KerfError } from "../../core/error.ts";
import type { Binding, Constant, Signature } from "../../core/signature.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import type { Func, Reduction } from "../../ir/types.ts";
import { layoutName, parseLayoutName } from "../../layout/name.ts";
import { ARENA_UNIT, CHUNK_ROWS, PAGE_ROWS } from "../../layout/types.ts";
import type { Layout } from "../../layout/types.ts";
import { emitFunc, readParams, uniform, varying } from "../func.ts";
import type { Argument } from "../func.ts";
import { markedText } from "../lines.ts";
import type { CodeLine } from "../lines.ts";
import { createScope, snakeCase } from "../names.ts";
import type { Scope } from "../names.ts";
import { paramConstants } from "../params.ts";
import { checkStored } from "../stored.ts";
import { tableArgument } from "../table_argument.ts";
import { meetingOf } from "../target.ts";
import type { EmitTarget } from "../target.ts";
import type { Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";

/** One reduction of a column, as text for the template's loops. */
export interface ColumnReductionContext {
  /** Names of the lanes' partial results, of the values of all channels, and of the finished lanes. */
  readonly lanes: string;
  /** The partial results as an array, where lanes share memory. */
  readonly partials: string;
  readonly totals: string;
  readonly result: string;
  readonly init: string;
  /** `lanes` after one more element `x`. */
  readonly step_lines: string;
  readonly step: string;
  /** Lanes `lane` and `lane + half` together. */
  readonly merge_lines: string;
  readonly merge: string;
  /** The total so far, `totals[c]`, and one chunk's value, lane 0, together. */
  readonly total_lines: string;
  readonly total: string;
  /** Statements that make `result` of `lanes`. */
  readonly finish_lines: string;
}

/** What templates/<target>/channel_scores.* read. */
export interface ChannelScoresContext {
  readonly page_rows: string;
  readonly chunk_rows: string;
  readonly arena_unit: string;
  readonly head_fields: string;
  /** Where the row count of the last segment of keys stands among a head's fields of `heads`. */
  readonly rows_field: string;
  readonly key_code: "f16" | "f32";
  readonly query_reductions: readonly ColumnReductionContext[];
  readonly key_reductions: readonly ColumnReductionContext[];
  /** Which of the score's own context it reads: `channel`, `layer_index`, `kv_head_index`. */
  readonly reads_channel: boolean;
  readonly reads_layer: boolean;
  readonly reads_kv_head: boolean;
  /** Statements that depend on neither channel nor query head. */
  readonly uniform_lines: string;
  readonly score_lines: string;
  readonly score: string;
  readonly group: "mean" | "max";
}

/** Words that the templates use where the hook stands. */
const TAKEN = [
  ...["args", "first", "last", "item", "kv_head", "place", "pages", "n_keys", "n_queries", "lane"],
  ...[
    "row",
    "n_chunk",
    "in_page",
    "page",
    "tile",
    "keys",
    "c",
    "n",
    "x",
    "half",
    "channel",
    "head",
  ],
  ...["window", "query", "total", "scores", "kv_head_index", "layer_index", "g", "key_count"],
  ...["query_count", "score"],
];

/** Constants of the kernel itself; a parameter of such a name would be one of them. */
const OWN = [
  ...["slot", "layer", "n_layers", "n_heads", "n_kv_heads", "page_entries", "key_page", "window"],
  "n_window",
];

/** The family of pruning variants: their scores. */
export const channelScores: Family = Object.freeze<Family>({
  kind: "pruning",
  heads: (source) => [`channel_scores_${source.definition.name}`],
  // Scores are taken before rows move: from the layouts that the variants make.
  variants: (_, { layouts }) => layouts.slice(1).map((layout) => [layoutName(layout)]),
  emit(source, request, target) {
    const definition = source.definition as Pruning;
    const name = kernelName(request);
    const layout = parseLayoutName(request.suffixes.join("__"));
    const keys = layout.key.segments.at(-1)!;
    const hook = hookContext(source, target);
    const nKey = layout.key.segments.length;
    const context: ChannelScoresContext = {
      page_rows: String(PAGE_ROWS),
      chunk_rows: String(CHUNK_ROWS),
      arena_unit: String(ARENA_UNIT),
      head_fields: String(2 * (nKey + layout.value.segments.length)),
      rows_field: String(2 * (nKey - 1)),
      key_code: checkStored(name, keys, { tile: 16 }),
      ...hook.context,
      group: definition.steps[0]!.group,
    };
    return {
      signature: signature(name, { definition, layout, read: hook.read }),
      doc: [...source.doc, "Scores of every channel of one layer's KV heads; higher keeps."],
      from: [source.file],
      template: "channel_scores",
      context: { ...context },
      grid: [{ of: { constant: "n_kv_heads" } }],
    };
  },
});

/** The score and its reductions; `read` holds the parameters and tables that the score reads. */
function hookContext(source: KernelSource, target: EmitTarget) {
  const definition = source.definition as Pruning;
  const func = source.funcs["steps[0].score"]!;
  if (definition.steps.length !== 1) {
    throw new KerfError(
      `Cannot emit the scores of "${definition.name}": it has ${definition.steps.length} steps`,
      { where: source.file, hint: "give the variant one channels() step" },
    );
  }
  const read = new Set([...readParams(func)].map((i) => func.params[i]!.name));
  const scope = createScope(TAKEN);
  const columns = collectColumns(func, { target, scope });
  const args = func.params.map((p, i) =>
    i < 2 ? varying(p.name) : contextArgument(p.name, { source, target, read })
  );
  const score = emitFunc(func, {
    target,
    form: "lanes",
    scope,
    args,
    into: ["score"],
    reduce: (node) => columns.get(columnKey(node.reduction, node.param))!.context.result,
  });
  const of = (param: number) =>
    [...columns.values()].filter((c) => c.param === param).map((c) => c.context);
  return {
    read,
    context: {
      query_reductions: of(0),
      key_reductions: of(1),
      reads_channel: read.has("channel"),
      reads_layer: read.has("layer"),
      reads_kv_head: read.has("kvHead"),
      uniform_lines: markedText(score.uniform),
      score_lines: markedText(score.lines),
      score: score.results[0]!,
    },
  };
}

const columnKey = (reduction: Reduction, param: number) => `${reduction.name} of ${param}`;

/** Each distinct reduction of each column, once. */
function collectColumns(
  func: Func,
  options: { readonly target: EmitTarget; readonly scope: Scope },
): Map<string, { readonly param: number; readonly context: ColumnReductionContext }> {
  const columns = new Map<string, { param: number; context: ColumnReductionContext }>();
  for (const node of func.nodes) {
    if (node.kind !== "reduce") continue;
    const key = columnKey(node.reduction, node.param);
    if (columns.has(key)) continue;
    const context = columnReduction(node.reduction, { ...options, query: node.param === 0 });
    columns.set(key, { param: node.param, context });
  }
  return columns;
}

function columnReduction(
  reduction: Reduction,
  { target, scope, query }: {
    readonly target: EmitTarget;
    readonly scope: Scope;
    readonly query: boolean;
  },
): ColumnReductionContext {
  const result = scope.unique(`${reduction.name}_${query ? "q" : "k"}`);
  const lanes = scope.unique(`${result}_lanes`);
  const totals = scope.unique(`${result}_totals`);
  const print = (func: Func, form: "scalar" | "lanes", args: Argument[], into?: string) => {
    const printed = emitFunc(func, {
      target,
      form,
      scope,
      args,
      ...(into ? { into: [into] } : {}),
    });
    const lines: CodeLine[] = [...printed.uniform, ...printed.lines];
    return { lines: markedText(lines), value: printed.results[0]! };
  };
  const step = print(reduction.step, "lanes", [varying(lanes), varying("x")]);
  const { own, other, whole } = meetingOf(target, lanes);
  const merge = print(reduction.merge, "scalar", [varying(own), varying(other)]);
  const total = print(reduction.merge, "scalar", [varying(`${totals}[c]`), varying(whole)]);
  const count = uniform(query ? "query_count" : "key_count");
  const finish = print(reduction.finish, "lanes", [varying(lanes), count], result);
  return {
    lanes,
    partials: target.partials(lanes),
    totals,
    result: finish.value,
    init: target.literal(reduction.init, "f32").text,
    step_lines: step.lines,
    step: step.value,
    merge_lines: merge.lines,
    merge: merge.value,
    total_lines: total.lines,
    total: total.value,
    finish_lines: finish.lines,
  };
}

/** What a parameter of the score behind its two columns is in the kernel. */
function contextArgument(
  name: string,
  { source, target, read }: {
    readonly source: KernelSource;
    readonly target: EmitTarget;
    readonly read: ReadonlySet<string>;
  },
): Argument {
  const { params, tables, steps } = source.definition as Pruning;
  if (name === "channel") return varying("channel");
  if (name === "layer") return uniform("layer_index");
  if (name === "kvHead") return uniform("kv_head_index");
  const table = tables[name];
  if (table !== undefined) return tableArgument(name, table, target);
  const constant = snakeCase(name);
  // The window that the score reads and the one that the kernel was given are the same number.
  const isWindow = constant === "window" && steps[0]!.window === name && params[name]!.integer;
  if (read.has(name) && OWN.includes(constant) && !isWindow) {
    throw new KerfError(
      `Cannot emit the scores of "${source.definition.name}": its parameter "${name}" has the name ` +
        "of one of the kernel's own constants",
      { where: source.file, hint: `rename "${name}"` },
    );
  }
  return uniform(target.constant(constant));
}

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(
  name: string,
  { definition, layout, read }: {
    readonly definition: Pruning;
    readonly layout: Layout;
    readonly read: ReadonlySet<string>;
  },
): Signature {
  const binding = (name: string, dtype: Binding["dtype"], ...shape: string[]): Binding => ({
    name,
    dtype,
    access: "read",
    shape,
  });
  const u32 = (name: string, doc?: string): Constant =>
    doc === undefined ? { name, dtype: "u32" } : { name, dtype: "u32", doc };
  const head = ["nSlots", "nLayers", "nKvHeads"];
  const nSegments = layout.key.segments.length + layout.value.segments.length;
  const params = Object.entries(definition.params).filter(([name]) => read.has(name));
  return {
    name,
    bindings: [
      binding("q_ring", "f32", "nSlots", "nLayers", "nHeads", "window", "headDim"),
      binding("pages", "u32", ...head, "page_entries"),
      binding("heads", "u32", ...head, String(2 * nSegments)),
      binding("arena", "u8", "arenaBytes"),
      ...Object.entries(definition.tables).filter(([name]) => read.has(name)).map(([name, t]) =>
        binding(snakeCase(name), t.dtype, ...t.shape)
      ),
      { name: "scores", dtype: "f32", access: "write", shape: [...head, "headDim"] },
    ],
    constants: [
      u32("slot"),
      u32("layer"),
      u32("n_layers"),
      u32("n_heads"),
      u32("n_kv_heads"),
      u32("page_entries", "entries of a head in pages"),
      u32("key_page", "first page entry of the last segment of keys"),
      { name: "window", dtype: read.has("window") ? "i32" : "u32", doc: "places of the ring" },
      u32("n_window", "queries in it"),
      ...paramConstants(Object.fromEntries(params)).filter(({ name }) => !OWN.includes(name)),
    ],
    defines: ["HEAD_DIM", "GROUP"],
  };
}
