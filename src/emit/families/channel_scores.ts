/**
 * Channel scores of a pruning variant: its reductions over the last queries and over all keys, then its
 * score for sixteen channels at a time. Keys are reduced once per channel, however often the score reads
 * them and whatever the query head.
 */

import type { Signature } from "../../core/signature.ts";
import { isPerRow, stepOf } from "../../dsl/steps.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import { layoutName, parseLayoutName } from "../../layout/name.ts";
import { ARENA_UNIT, CHUNK_ROWS, PAGE_ROWS } from "../../layout/types.ts";
import type { Layout, Segment } from "../../layout/types.ts";
import type { ColumnReductionContext } from "../column_reduction.ts";
import { paramConstants } from "../params.ts";
import { headFields, PER_HEAD, readOnly, u32, written } from "../signature_parts.ts";
import { checkStored } from "../stored.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";
import {
  channelScoreContext,
  OWN_CONSTANTS,
  readsOutputs,
  tableBindings,
} from "./channel_score_hook.ts";
import { outputScores } from "./output_scores.ts";

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
    const hook = channelScoreContext(source, target);
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
      written("scores", "f32", ...PER_HEAD, "headDim"),
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
      ...paramConstants(Object.fromEntries(params)).filter(({ name }) =>
        !OWN_CONSTANTS.includes(name)
      ),
    ],
    defines: ["HEAD_DIM", "GROUP"],
  };
}
