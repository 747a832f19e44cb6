/**
 * Channel scores of a pruning variant: its reductions over the last queries and over all keys, then its
 * score for sixteen channels at a time. Keys are reduced once per channel, however often the score reads
 * them and whatever the query head.
 */

import { KerfError } from "../../core/error.ts";
import type { Signature } from "../../core/signature.ts";
import { channelHooks, isPerRow, stepOf } from "../../dsl/pruning.ts";
import type { ChannelHook, Pruning } from "../../dsl/pruning.ts";
import { layoutName, parseLayoutName } from "../../layout/name.ts";
import { ARENA_UNIT, CHUNK_ROWS, PAGE_ROWS } from "../../layout/types.ts";
import type { Layout, Segment } from "../../layout/types.ts";
import { collectColumns, columnKey } from "../column_reduction.ts";
import type { ColumnReductionContext } from "../column_reduction.ts";
import { emitFunc, readParams, uniform, varying } from "../func.ts";
import type { Argument } from "../func.ts";
import { markedText } from "../lines.ts";
import { hookScope, snakeCase, words } from "../names.ts";
import { paramConstants } from "../params.ts";
import { headFields, PER_HEAD, readOnly, u32 } from "../signature_parts.ts";
import { checkStored } from "../stored.ts";
import { tableArgument } from "../table_argument.ts";
import type { EmitTarget } from "../target.ts";
import type { EmitRequest, Family, KernelSource, KernelUnit } from "../types.ts";
import { kernelName } from "../types.ts";

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
  /** Whether a reduction of queries, or of keys, reads how many there are. */
  readonly counts_queries: boolean;
  readonly counts_keys: boolean;
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

/** Constants of the kernel itself; a parameter of such a name would be one of them. */
const OWN = words(`
slot layer n_layers n_heads n_kv_heads page_entries key_page window n_window`);

/** The family of pruning variants: their scores. */
export const channelScores: Family = Object.freeze<Family>({
  kind: "pruning",
  heads: (source) => [`channel_scores_${source.definition.name}`],
  // Scores are taken before rows move: from the layouts that the variants make. Outputs are no part of any.
  variants: ({ definition }, { layouts }) => {
    if (readsOutputs(definition as Pruning)) return [[]];
    const { steps } = definition as Pruning;
    const isCoded = stepOf({ steps }, "codes") !== null;
    const isOwn = ({ channels, fill }: Segment) =>
      steps.some(isPerRow)
        ? channels === "bitmap"
        : channels === "list" && isCoded === (fill === "mean");
    return layouts.filter(({ key }) => key.segments.some(isOwn))
      .map((layout) => [layoutName(layout)]);
  },
  emit(source, request, target) {
    const definition = source.definition as Pruning;
    if (readsOutputs(definition)) return outputScores(source, request, target);
    const name = kernelName(request);
    const layout = parseLayoutName(request.suffixes.join("__"));
    const keys = layout.key.segments.at(-1)!;
    const hook = hookContext(source, target);
    const nKey = layout.key.segments.length;
    const context: ChannelScoresContext = {
      page_rows: String(PAGE_ROWS),
      chunk_rows: String(CHUNK_ROWS),
      arena_unit: String(ARENA_UNIT),
      head_fields: headFields(layout),
      rows_field: String(2 * (nKey - 1)),
      key_code: checkStored(name, keys, { tile: 16 }),
      ...hook.context,
      group: hook.group,
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

/** Whether a variant's channels are of values: its score reads what attention makes of them. */
export const readsOutputs = (definition: Pruning): boolean =>
  stepOf(definition, "channels")?.step.of === "value";

/** What templates/<target>/output_scores.* read. */
export type OutputScoresContext = Omit<
  ChannelScoresContext,
  | "page_rows"
  | "chunk_rows"
  | "arena_unit"
  | "head_fields"
  | "rows_field"
  | "key_code"
  | "key_reductions"
  | "counts_keys"
>;

/** Scores of value channels, from the window's outputs. */
function outputScores(source: KernelSource, request: EmitRequest, target: EmitTarget): KernelUnit {
  const definition = source.definition as Pruning;
  const { read, context: { key_reductions: _, counts_keys: __, ...own } } = hookContext(
    source,
    target,
  );
  const context: OutputScoresContext = {
    ...own,
    group: stepOf(definition, "channels")!.step.group,
  };
  return {
    signature: outputSignature(kernelName(request), definition, read),
    doc: [...source.doc, "Scores of every value channel of one layer's KV heads; higher keeps."],
    from: [source.file],
    template: "output_scores",
    context: { ...context },
    grid: [{ of: { constant: "n_kv_heads" } }],
  };
}

/** The outside of a score of outputs, as ARCHITECTURE.md's table has it. */
function outputSignature(name: string, definition: Pruning, read: ReadonlySet<string>): Signature {
  const params = Object.entries(definition.params).filter(([name]) => read.has(name));
  return {
    name,
    bindings: [
      readOnly("outputs", "f32", "nHeads", "n_window", "headDim"),
      ...tableBindings(definition, read),
      { name: "scores", dtype: "f32", access: "write", shape: [...PER_HEAD, "headDim"] },
    ],
    constants: [
      u32("slot"),
      u32("layer"),
      u32("n_layers"),
      u32("n_kv_heads"),
      u32("n_window", "queries of the window"),
      ...paramConstants(Object.fromEntries(params)),
    ],
    defines: ["HEAD_DIM", "GROUP"],
  };
}

const tableBindings = ({ tables }: Pruning, read: ReadonlySet<string>) =>
  Object.entries(tables).filter(([name]) => read.has(name))
    .map(([name, t]) => readOnly(snakeCase(name), t.dtype, ...t.shape));

/** What scores the channels. @throws {KerfError} nothing does, or two steps do */
function channelHook({ definition, file }: KernelSource): ChannelHook {
  const hooks = channelHooks(definition as Pruning);
  if (hooks.length === 1) return hooks[0]!;
  throw new KerfError(
    `Cannot emit the scores of "${definition.name}": ${hooks.length} of its steps score channels`,
    { where: file, hint: "give the variant one channels() step, or one byChannel()" },
  );
}

/** The score and its reductions; `read` holds the parameters and tables that the score reads. */
function hookContext(source: KernelSource, target: EmitTarget) {
  const { path, group } = channelHook(source);
  const func = source.funcs[path]!;
  const read = new Set([...readParams(func)].map((i) => func.params[i]!.name));
  const scope = hookScope();
  const columns = collectColumns(func, { target, scope });
  const nColumns = readsOutputs(source.definition as Pruning) ? 1 : 2;
  const args = func.params.map((p, i) =>
    i < nColumns ? varying(p.name) : contextArgument(p.name, { source, target, read })
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
    group,
    context: {
      query_reductions: of(0),
      key_reductions: of(1),
      counts_queries: of(0).some(({ counts }) => counts),
      counts_keys: of(1).some(({ counts }) => counts),
      reads_channel: read.has("channel"),
      reads_layer: read.has("layer"),
      reads_kv_head: read.has("kvHead"),
      uniform_lines: markedText(score.uniform),
      score_lines: markedText(score.lines),
      score: score.results[0]!,
    },
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
  const { params, tables } = source.definition as Pruning;
  if (name === "channel") return varying("channel");
  if (name === "layer") return uniform("layer_index");
  if (name === "kvHead") return uniform("kv_head_index");
  const table = tables[name];
  if (table !== undefined) return tableArgument(name, table, target);
  const constant = snakeCase(name);
  // The window that the score reads and the one that the kernel was given are the same number.
  const isWindow = constant === "window" && params[name]!.integer &&
    channelHook(source).queries.rows === name;
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
  const params = Object.entries(definition.params).filter(([name]) => read.has(name));
  return {
    name,
    bindings: [
      readOnly("q_ring", "f32", "nSlots", "nLayers", "nHeads", "window", "headDim"),
      readOnly("pages", "u32", ...PER_HEAD, "page_entries"),
      readOnly("heads", "u32", ...PER_HEAD, headFields(layout)),
      readOnly("arena", "u8", "arenaBytes"),
      ...tableBindings(definition, read),
      { name: "scores", dtype: "f32", access: "write", shape: [...PER_HEAD, "headDim"] },
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
