/**
 * What the author's score of a row becomes: its reductions over a row's keys, values and weights, then the score
 * of sixteen rows, and what the kernel must load for it. Knows no layout and no signature.
 */

import { KerfError } from "../../core/error.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import type { TokensStep } from "../../dsl/tokens.ts";
import { emitFunc } from "../func.ts";
import { namesRead, uniform, upTo, varying } from "../arguments.ts";
import type { Argument } from "../arguments.ts";
import { markedText } from "../lines.ts";
import { hookScope, words } from "../names.ts";
import { collectRows } from "../row_reduction.ts";
import type { EmitTarget } from "../target.ts";
import type { KernelSource } from "../types.ts";
import { scoreArgument } from "./score_argument.ts";

/** Constants of the kernel itself; a parameter of such a name would be one of them. */
export const OWN_CONSTANTS = words(`
slot layer n_layers n_heads n_kv_heads page_entries window n_window n_tokens scale n_tiles max_rows`);

/** A score of rows as a variant declares it. */
export interface RowScore {
  /** Of its hook. */
  readonly path: string;
  readonly queries: TokensStep["queries"];
  /** Whether it may read an anchor, and running sums. */
  readonly hasAnchor: boolean;
  readonly hasSums: boolean;
  /** … and what moments of queries expect. */
  readonly hasMoments: boolean;
}

const COLUMNS = { 0: "key", 1: "value", 2: "weights" } as const;

/** The score and its reductions; `read` holds the parameters and tables that the score reads. */
export function rowScoreContext(
  source: KernelSource,
  { path, queries, hasAnchor, hasSums, hasMoments }: RowScore,
  target: EmitTarget,
) {
  const definition = source.definition as Pruning;
  const func = source.funcs[path]!;
  const read = namesRead(func);
  if (read.has("weights") && queries === null) {
    throw new KerfError(
      `Cannot emit the scores of "${definition.name}": they read weights of no queries`,
      { where: source.file, hint: "give the step a `window`" },
    );
  }
  if ((read.has("anchorDot") || read.has("anchorNorm")) && !hasAnchor) {
    throw new KerfError(
      `Cannot emit the scores of "${definition.name}": they read an anchor that is not declared`,
      { where: source.file, hint: 'give the step `anchor: "meanUnitKey"`' },
    );
  }
  if (read.has("attention") && !hasSums) {
    throw new KerfError(
      `Cannot emit the scores of "${definition.name}": they read \`attention\`, which is not declared`,
      { where: source.file, hint: "give the step `statistics: [columnSums()]`" },
    );
  }
  if (read.has("expected") && !hasMoments) {
    throw new KerfError(
      `Cannot emit the scores of "${definition.name}": they read \`expected\`, which is not declared`,
      {
        where: source.file,
        hint: "give the step `statistics: [queryMoments({ skip: 4, ahead: 512 })]`",
      },
    );
  }
  const scope = hookScope();
  const counts = { 0: "channel_count", 1: "channel_count", 2: "weight_count" };
  const columns = collectRows(func, {
    target,
    scope,
    columns: Object.fromEntries(
      Object.entries(COLUMNS).map(([param, name]) => [
        param,
        { name, count: counts[Number(param) as keyof typeof counts] },
      ]),
    ),
  });
  const score = emitFunc(func, {
    target,
    form: "lanes",
    scope,
    args: func.params.map((p, i) =>
      i < 3 ? varying(p.name) : CONTEXT[p.name] ??
        scoreArgument(p.name, { source, target, read, own: OWN_CONSTANTS, window: queries?.rows })
    ),
    into: ["score"],
    reduce: columns.nameOf,
  });
  const { of } = columns;
  return {
    read,
    context: {
      key_reductions: of(0),
      value_reductions: of(1),
      weight_reductions: of(2),
      reads_position: read.has("position"),
      reads_anchor: read.has("anchorDot") || read.has("anchorNorm"),
      reads_attention: read.has("attention"),
      reads_expected: read.has("expected"),
      reads_layer: read.has("layer"),
      reads_kv_head: read.has("kvHead"),
      counts_channels: [...of(0), ...of(1)].some(({ counts }) => counts),
      counts_weights: of(2).some(({ counts }) => counts),
      uniform_lines: markedText(score.uniform),
      score_lines: markedText(score.lines),
      score: score.results[0]!,
    },
  };
}

/** What a parameter of the score behind its three columns is in the kernel, unless it is a table or a constant. */
const CONTEXT: Readonly<Record<string, Argument>> = {
  position: upTo(varying("position")),
  anchorDot: varying("anchor_dot"),
  anchorNorm: uniform("anchor_norm"),
  attention: varying("attention"),
  expected: varying("expected"),
  layer: upTo(uniform("layer_index")),
  kvHead: upTo(uniform("kv_head_index")),
};
