/**
 * What the author's score of channels becomes: its reductions over the last queries and over all keys, then the
 * score of sixteen channels. Knows no layout.
 */

import { KerfError } from "../../core/error.ts";
import { channelHooks, stepOf } from "../../dsl/steps.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import type { ChannelHook } from "../../dsl/steps.ts";
import { collectColumns } from "../column_reduction.ts";
import { emitFunc } from "../func.ts";
import { namesRead, uniform, varying } from "../arguments.ts";
import type { Argument } from "../arguments.ts";
import { markedText } from "../lines.ts";
import { hookScope, snakeCase, words } from "../names.ts";
import { readOnly } from "../signature_parts.ts";
import type { EmitTarget } from "../target.ts";
import type { KernelSource } from "../types.ts";
import { scoreArgument } from "./score_argument.ts";

/** Constants of the kernel itself; a parameter of such a name would be one of them. */
export const OWN_CONSTANTS = words(`
slot layer n_layers n_heads n_kv_heads page_entries key_page window n_window`);

/** Whether a variant's channels are of values: its score reads what attention makes of them. */
export const readsOutputs = (definition: Pruning): boolean =>
  stepOf(definition, "channels")?.step.of === "value";

/** The bindings of the tables that a score reads. */
export const tableBindings = ({ tables }: Pruning, read: ReadonlySet<string>) =>
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
export function channelScoreContext(source: KernelSource, target: EmitTarget) {
  const { path, group, queries } = channelHook(source);
  const func = source.funcs[path]!;
  const read = namesRead(func);
  const scope = hookScope();
  const columns = collectColumns(func, { target, scope });
  const nColumns = readsOutputs(source.definition as Pruning) ? 1 : 2;
  const args = func.params.map((p, i) =>
    i < nColumns ? varying(p.name) : CONTEXT[p.name] ??
      scoreArgument(p.name, { source, target, read, own: OWN_CONSTANTS, window: queries.rows })
  );
  const score = emitFunc(func, {
    target,
    form: "lanes",
    scope,
    args,
    into: ["score"],
    reduce: columns.nameOf,
  });
  const { of } = columns;
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

/** What a parameter of the score behind its columns is in the kernel, unless it is a table or a constant. */
const CONTEXT: Readonly<Record<string, Argument>> = {
  channel: varying("channel"),
  layer: uniform("layer_index"),
  kvHead: uniform("kv_head_index"),
};
