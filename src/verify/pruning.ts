/**
 * What a pruning variant's kernels do to a cache, in the order of a run: append a prompt, remember its last
 * queries, score, select, keep, move or code; then steps over the compressed cache. Every kernel is held to the
 * reference on what the one before it left, so that errors do not add up.
 */

import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
import type { Layout } from "../layout/types.ts";
import { append, appendName } from "./append_stage.ts";
import type { Appended } from "./append_stage.ts";
import { attentionAnswer, measureAttention } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { attentionUses } from "./attention_kernels.ts";
import { bitsNames } from "./bits_stage.ts";
import { STREAMS } from "./cache_state.ts";
import { headRows } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import type { PruningCase } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { compress } from "./compress_stage.ts";
import type { Progress } from "./compress_stage.ts";
import { countName } from "./count_stage.ts";
import { expandNames, wholeLayout } from "./expand_stage.ts";
import { emptyCache } from "./fresh_pages.ts";
import type { KernelUse, RunNamed } from "./kernels.ts";
import { moveNames } from "./rows_leaving.ts";
import { orderNames } from "./order_stage.ts";
import { scoredSteps } from "./planned_steps.ts";
import { layoutSteps, stepsOfCase } from "./pruning_case.ts";
import type { PruningProblem, PruningSources } from "./pruning_case.ts";
import { emptyRings, recorded } from "./ring_stage.ts";
import { selectRowsNames } from "./select_rows_stage.ts";
import { addSums, startSums } from "./sums_stage.ts";
import { tokenScoreNames } from "./token_score_stage.ts";
import { valueScoreNames } from "./value_score_stage.ts";

/** The kernels that a case runs. */
export function pruningUses(sources: PruningSources, given: PruningCase): KernelUse[] {
  const { types, shape } = given;
  const layout = layoutOf(layoutSteps(sources, given.params), types);
  const defines = { HEAD_DIM: shape.headDim, GROUP: shape.group };
  const name = layoutName(layout);
  const steps = stepsOfCase(sources, given);
  const { tokens, channels, classes, bits } = steps;
  const whole = layoutName(wholeLayout(layout));
  const names = [
    appendName(name, scoredSteps(steps).some(({ window }) => window > 0)),
    ...(tokens
      ? [
        ...expandNames(layout),
        ...[...tokenScoreNames(tokens, whole), ...selectRowsNames(tokens), `keep_rows__${whole}`],
        ...(layout.positions === "cache" ? ["turn_queries"] : []),
      ]
      : []),
    ...channels.flatMap((step) => [
      ...(step.of === "key"
        ? [`channel_scores_${step.source.definition.name}__${name}`]
        : valueScoreNames(step, name)),
      ...(step.enough ? [countName(step.enough)] : []),
      step.perRow ? `key_means__${name}` : "select_channels",
    ]),
    ...(classes ? orderNames(classes, name) : []),
    ...(bits ? bitsNames(bits, { layout }, name) : []),
    ...moveNames(layout),
  ];
  const attention = sources.attention.definition.name;
  if (layout.rowSums) {
    const ends = ["prefill_recording", "sums"].map((end) => `attention_${attention}_${end}`);
    names.push(...ends.map((head) => `${head}__${name}`));
  }
  return [
    ...names.map((kernel) => ({ name: kernel, defines })),
    ...attentionUses(attention, layout, shape),
  ];
}

/** Runs a problem on a device. */
export async function measurePruning(p: PruningProblem, run: RunNamed): Promise<Measurement[]> {
  const found: Measurement[] = [];
  let progress: Progress = { state: emptyState(p), rings: emptyRings(p), scores: null };
  for (const [turn, n] of p.nRows.entries()) {
    const { rings } = progress;
    const appended = await append(p, progress.state, { n, rings, run });
    found.push(...appended.measurements);
    const attended = await attend(p, appended, { isFirst: turn === 0, run });
    found.push(...attended.measurements);
    const seen = recorded(p, rings, appended);
    found.push(...seen.measurements);
    progress = { ...progress, state: attended.state, rings: seen.rings };
    if (turn === p.nRows.length - 1) break;
    const compressed = await compress(p, progress, { isFirst: turn === 0, run });
    found.push(...compressed.measurements);
    progress = compressed.progress;
  }
  return found;
}

/** Before the first row: there is room for every row that comes. */
function emptyState({ nRows, layout, shape: { headDim }, widths }: PruningProblem): CacheState {
  const total = nRows.reduce((a, b) => a + b);
  const all = Array.from({ length: headDim }, (_, c) => c);
  return {
    cache: emptyCache(layout, { headDim, perSegment: Math.ceil(total / 128) + 1 }),
    heads: widths.key.map((_, kvHead) => {
      const [key, value] = STREAMS.map((of) => ({
        compressed: layout[of].segments.slice(1).map(() => 0),
        channels: all.slice(0, hasSetsOf(layout[of]) ? widths[of][kvHead] : headDim),
        ...(hasClasses(layout[of]) ? { high: headDim } : {}),
        ...(layout[of].segments[1]?.channels === "none" ? { second: { channels: [] } } : {}),
      }));
      return { rows: 0, key: key!, value: value! };
    }),
    ...{ nTokens: 0, headDim },
  };
}

/** Whether the rows of a stream keep channels of their own: their number is known beforehand. */
const hasSetsOf = ({ segments: [first] }: Layout["key"]): boolean => first!.channels === "bitmap";

/** Whether a stream stores channels of two classes. */
const hasClasses = ({ segments: [first] }: Layout["key"]): boolean =>
  first!.code.kind === "affine" && first!.code.low !== undefined;

/** A step's queries over the cache that they were appended to; a prompt's sums are given. */
async function attend(
  p: PruningProblem,
  { state, cache, qkv, position }: Appended,
  { isFirst, run }: { readonly isFirst: boolean; readonly run: RunNamed },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  if (isFirst) return { state: p.layout.rowSums ? startSums(state) : state, measurements: [] };
  const problem: AttentionProblem = {
    source: p.sources.attention,
    values: p.attentionValues,
    ...{ shape: p.shape, nQuery: state.nTokens - position, position, qkv, cache },
    heads: state.heads.map((_, kvHead) => headRows(state, kvHead)),
  };
  const measurements = await measureAttention(problem, attentionAnswer(problem), run);
  if (!p.layout.rowSums) return { state, measurements };
  const summed = await addSums(problem, state, run);
  return { state: summed.state, measurements: [...measurements, ...summed.measurements] };
}
