/**
 * Scores of rows of a pruning variant, sixteen rows at a time: those that decide which rows stay, and those
 * that decide which are coded with more bits. What a score reads decides what its kernel loads: keys once per
 * KV head, values, weights of the remembered queries per query head.
 */

import { KerfError } from "../../core/error.ts";
import type { Binding, Signature } from "../../core/signature.ts";
import { rowBitsOf, stepOf } from "../../dsl/steps.ts";
import { hasStatistic, momentsOf } from "../../dsl/tokens.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import { layoutName } from "../../layout/name.ts";
import { hasRowClasses } from "../../layout/row_classes.ts";
import { sumsSquares } from "../../ir/sum_of_squares.ts";
import { isTurned } from "../../layout/types.ts";
import type { Layout } from "../../layout/types.ts";
import { cacheContext } from "../cache_context.ts";
import type { CacheContext } from "../cache_context.ts";
import { snakeCase } from "../names.ts";
import { paramConstants } from "../params.ts";
import type { RowReductionContext } from "../row_reduction.ts";
import { headFields, PER_HEAD, readOnly, SCALE, u32, written } from "../signature_parts.ts";
import type { Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";
import { pageConstants, requestedLayout } from "./layout_kernel.ts";
import { OWN_CONSTANTS, rowScoreContext } from "./token_score_hook.ts";
import type { RowScore } from "./token_score_hook.ts";

/** What templates/<target>/token_scores.* read. */
export interface TokenScoresContext extends CacheContext {
  readonly key_reductions: readonly RowReductionContext[];
  readonly value_reductions: readonly RowReductionContext[];
  readonly weight_reductions: readonly RowReductionContext[];
  /** What the score reads beside reductions. */
  readonly reads_position: boolean;
  readonly reads_anchor: boolean;
  readonly reads_attention: boolean;
  readonly reads_expected: boolean;
  readonly reads_layer: boolean;
  readonly reads_kv_head: boolean;
  /** Whether the score reads the number of remembered queries, which is an i32 then. */
  readonly signed_window: boolean;
  /** Whether a reduction of channels, or of weights, reads how many there are. */
  readonly counts_channels: boolean;
  readonly counts_weights: boolean;
  /** Statements that depend on no row. */
  readonly uniform_lines: string;
  readonly score_lines: string;
  readonly score: string;
}

/** What tells the scores of one purpose from those of another. */
interface Purpose {
  readonly head: string;
  readonly doc: string;
  /** Whether only full rows are scored, of layouts whose other rows are in classes. */
  readonly fullRows: boolean;
  /** The score of a variant that has one. */
  readonly of: (definition: Pruning) => RowScore;
}

const scoresOf = ({ head, doc, fullRows, of }: Purpose): Family =>
  Object.freeze<Family>({
    kind: "pruning",
    heads: ({ definition: { name } }) => [`${head}_${name}`],
    variants: ({ definition }, { layouts }) => {
      // Rows have sums where this score reads them, and of the shipped layouts nowhere else.
      const { hasSums } = of(definition as Pruning);
      return layouts.filter((layout) =>
        fullRows ? hasRowClasses(layout) : layout.rowPositions && layout.rowSums === hasSums
      ).map((layout) => [layoutName(layout)]);
    },
    emit(source, request, target) {
      const name = kernelName(request);
      const layout = requestedLayout(request, { classes: fullRows });
      const definition = source.definition as Pruning;
      const score = of(definition);
      checkBasis(source, score.path, layout);
      const hook = rowScoreContext(source, score, target);
      checkSums(name, hook.read, layout);
      const context: TokenScoresContext = {
        ...cacheContext(name, layout, { fullRows }),
        ...hook.context,
        signed_window: hook.read.has("window"),
      };
      return {
        signature: signature(name, { definition, layout, context, read: hook.read }),
        doc: [...source.doc, doc],
        from: [source.file],
        template: "token_scores",
        context: { ...context },
        grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "n_tiles" }, per: 8 }],
      };
    },
  });

/** The token scores of pruning variants. */
export const tokenScores: Family = scoresOf({
  head: "token_scores",
  doc: "Scores of every row of one layer; higher keeps.",
  fullRows: false,
  of(definition) {
    const { step, index } = stepOf(definition, "tokens")!;
    return {
      ...{ path: `steps[${index}].score`, queries: step.queries },
      ...{ hasAnchor: step.anchor !== undefined, hasSums: hasStatistic(step, "columnSums") },
      hasMoments: momentsOf(step) !== null,
    };
  },
});

/** The scores that decide which of the rows that are coded next get more bits. */
export const classScores: Family = scoresOf({
  head: "class_scores",
  doc: "Scores of the oldest full rows of one layer; higher gets more bits.",
  fullRows: true,
  of(definition) {
    const { bits: { queries }, path } = rowBitsOf(definition)!;
    return { path, queries, hasAnchor: false, hasSums: false, hasMoments: false };
  },
});

/** @throws {KerfError} the score reads running sums, and rows of the layout have none */
function checkSums(name: string, read: ReadonlySet<string>, { rowSums }: Layout): void {
  if (rowSums || !read.has("attention")) return;
  throw new KerfError(`Cannot emit "${name}": it reads \`attention\`, and rows have no sums`, {
    hint: "a layout such as k_f16t16_v_f16t1_evicted_summed",
  });
}

/** @throws {KerfError} the score sums channels that the layout stores in another basis otherwise than squared */
function checkBasis({ definition, funcs, file }: KernelSource, path: string, layout: Layout): void {
  for (const node of funcs[path]!.nodes) {
    if (node.kind !== "reduce" || node.param > 1) continue;
    const stream = node.param === 0 ? "key" : "value";
    if (!isTurned(layout[stream]) || sumsSquares(node.reduction)) continue;
    throw new KerfError(
      `Cannot emit the scores of "${definition.name}": ${node.reduction.name} of a ${stream} is ` +
        "another number in the basis that it is stored in",
      { where: file, hint: "score by norm, sumSquare or meanSquare, or leave out the basis" },
    );
  }
}

/** Whether a variant's token score is one per query head: it reads weights. */
export const scoresQueryHeads = (context: Pick<TokenScoresContext, "weight_reductions">) =>
  context.weight_reductions.length > 0;

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(
  name: string,
  { definition, layout, context, read }: {
    readonly definition: Pruning;
    readonly layout: Layout;
    readonly context: TokenScoresContext;
    readonly read: ReadonlySet<string>;
  },
): Signature {
  const perQueryHead = scoresQueryHeads(context);
  const params = Object.entries(definition.params).filter(([name]) => read.has(name));
  const weights: Binding[] = [
    readOnly("q_ring", "f32", "nSlots", "nLayers", "nHeads", "window", "headDim"),
    readOnly("window_sums", "f32", "nHeads", "n_window", "2"),
  ];
  const expected: Binding[] = [
    readOnly("expected_logits", "f32", "nHeads", "max_rows"),
    readOnly("expected_sums", "f32", "nHeads", "2"),
  ];
  return {
    name,
    bindings: [
      ...(perQueryHead ? weights : []),
      ...(context.reads_anchor ? [readOnly("anchors", "f32", "nKvHeads", "headDim + 16")] : []),
      ...(context.reads_expected ? expected : []),
      readOnly("pages", "u32", ...PER_HEAD, "page_entries"),
      readOnly("heads", "u32", ...PER_HEAD, headFields(layout)),
      ...(context.lists_channels ? [readOnly("channels", "u32", ...PER_HEAD, "headDim")] : []),
      readOnly("arena", "u8", "arenaBytes"),
      ...Object.entries(definition.tables).filter(([name]) => read.has(name)).map(([name, t]) =>
        readOnly(snakeCase(name), t.dtype, ...t.shape)
      ),
      written("row_scores", "f32", perQueryHead ? "nHeads" : "nKvHeads", "max_rows"),
    ],
    constants: [
      u32("slot"),
      u32("layer"),
      u32("n_layers"),
      u32("n_heads"),
      u32("n_kv_heads"),
      u32("page_entries", "entries of a head in pages"),
      ...(perQueryHead
        ? [
          { name: "window", dtype: read.has("window") ? "i32" : "u32", doc: "places of the ring" },
          u32("n_window", "queries in it"),
          u32("n_tokens", "position after the last query"),
          SCALE,
        ] as const
        : []),
      u32(
        "n_tiles",
        context.full_rows ? "tiles to score" : "tiles of the longest head, all segments",
      ),
      u32("max_rows", context.full_rows ? "rows to score" : "rows of the longest head"),
      ...pageConstants(layout),
      ...paramConstants(Object.fromEntries(params)).filter(({ name }) =>
        !OWN_CONSTANTS.includes(name)
      ),
    ],
    defines: ["HEAD_DIM", "GROUP"],
  };
}
