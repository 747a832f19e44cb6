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
import { attentionAnswer, attentionUses, measureAttention } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { headRows, withBuffers } from "./cache_state.ts";
import type { CacheState } from "./cache_state.ts";
import type { PruningCase } from "./cases.ts";
import { scoreChannels } from "./channel_score_stage.ts";
import type { Measurement } from "./compare.ts";
import { emptyCache } from "./fresh_pages.ts";
import { keepRows } from "./keep_stage.ts";
import type { KernelUse, RunNamed } from "./kernels.ts";
import { moveNames, moveRows } from "./move_stage.ts";
import { layoutSteps, plannedSteps } from "./pruning_case.ts";
import type { PruningProblem, PruningSources } from "./pruning_case.ts";
import { emptyRings, recorded } from "./ring_stage.ts";
import type { Rings } from "./ring_stage.ts";
import { selectChannels } from "./select_channels_stage.ts";
import { selectRows, selectRowsNames } from "./select_rows_stage.ts";
import { scoreTokens, tokenScoreNames } from "./token_score_stage.ts";
import { addSums, startSums } from "./sums_stage.ts";
import type { TokenStage } from "./token_stage.ts";

/** The kernels that a case runs. */
export function pruningUses(sources: PruningSources, given: PruningCase): KernelUse[] {
  const { types, shape } = given;
  const layout = layoutOf(layoutSteps(sources, given.params), types);
  const defines = { HEAD_DIM: shape.headDim, GROUP: shape.group };
  const name = layoutName(layout);
  const { tokens, channels } = plannedSteps(sources, given);
  const records = [tokens, channels].some((step) => step !== null && step.window > 0);
  const names = [
    appendName(name, records),
    ...(tokens
      ? [...tokenScoreNames(tokens, name), ...selectRowsNames(tokens), `keep_rows__${name}`]
      : []),
    ...(channels
      ? [`channel_scores_${channels.source.definition.name}__${name}`, "select_channels"]
      : []),
    ...moveNames(layout),
  ];
  const attention = sources.attention.definition.name;
  if (layout.rowSums) {
    const ends = ["prefill_recording", "sums"].map((end) => `attention_${attention}_${end}`);
    names.push(`keep_sums__${name}`, ...ends.map((head) => `${head}__${name}`));
  }
  return [
    ...names.map((kernel) => ({ name: kernel, defines })),
    ...attentionUses(attention, layout, shape),
  ];
}

/** A cache and what is remembered of its queries. */
interface Progress {
  readonly state: CacheState;
  readonly rings: Rings;
}

/** Runs a problem on a device. */
export async function measurePruning(p: PruningProblem, run: RunNamed): Promise<Measurement[]> {
  const found: Measurement[] = [];
  let progress: Progress = { state: emptyState(p), rings: emptyRings(p) };
  for (const [turn, n] of p.nRows.entries()) {
    const { rings } = progress;
    const appended = await append(p, progress.state, { n, rings, run });
    found.push(...appended.measurements);
    const attended = await attend(p, appended, { isFirst: turn === 0, run });
    found.push(...attended.measurements);
    const seen = recorded(p, rings, appended);
    found.push(...seen.measurements);
    progress = { state: attended.state, rings: seen.rings };
    if (turn === p.nRows.length - 1) break;
    const compressed = await compress(p, progress, { isFirst: turn === 0, run });
    found.push(...compressed.measurements);
    progress = { ...progress, state: compressed.state };
  }
  return found;
}

/** Whether older rows leave for another segment: those of a list once, codes after every turn. */
const compressesRows = ({ key, value }: Layout, isFirst: boolean): boolean =>
  [key, value].some(({ segments }) =>
    segments.length > 1 && (isFirst || segments.at(-1)!.flush !== null)
  );

/** Rows are evicted and coded after every turn; channels are chosen once. */
async function compress(
  p: PruningProblem,
  { state, rings }: Progress,
  { isFirst, run }: { readonly isFirst: boolean; readonly run: RunNamed },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const found: Measurement[] = [];
  let now = state;
  if (p.tokens) {
    const evicted = await evict({ ...p, tokens: p.tokens }, { state, rings }, run);
    found.push(...evicted.measurements);
    now = evicted.state;
  }
  if (p.channels && isFirst) {
    const problem = { ...p, channels: p.channels };
    const scores = await scoreChannels(problem, now, { rings, run });
    const chosen = await selectChannels(p, scores, run);
    const { buffer: channels, kept } = chosen;
    found.push(...[scores, chosen].flatMap(({ measurements }) => measurements));
    now = {
      ...now,
      cache: withBuffers(now.cache, { channels }),
      heads: now.heads.map((head, kvHead) => ({ ...head, channels: kept[kvHead]! })),
    };
  }
  if (compressesRows(p.layout, isFirst)) {
    const moved = await moveRows(now, { layout: p.layout, recent: p.channels?.recent ?? 0, run });
    found.push(...moved.measurements);
    now = moved.state;
  }
  return { state: now, measurements: found };
}

/** One eviction: scores, the choice, the copy. */
async function evict(
  p: PruningProblem & { readonly tokens: TokenStage["tokens"] },
  { state, rings }: Progress,
  run: RunNamed,
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const stage: TokenStage = {
    ...{ problem: p, tokens: p.tokens, state },
    ring: rings.get(p.tokens.window) ?? null,
    heads: state.heads.map((_, kvHead) => headRows(state, kvHead)),
  };
  const scores = await scoreTokens(stage, run);
  const chosen = await selectRows(stage, scores, run);
  const kept = await keepRows(stage, chosen, run);
  const measurements = [scores, chosen, kept].flatMap(({ measurements }) => measurements);
  return { state: kept.state, measurements };
}

/** Before the first row: list segments have their widths, and room for every row that comes. */
function emptyState(p: PruningProblem): CacheState {
  const { nRows, layout, shape: { headDim }, widths } = p;
  const total = nRows.reduce((a, b) => a + b);
  return {
    cache: emptyCache(layout, { headDim, perSegment: Math.ceil(total / 128) + 1 }),
    heads: widths.map((width) => ({
      ...{ rows: 0, listed: 0, coded: 0 },
      channels: Array.from({ length: p.channels ? width : headDim }, (_, c) => c),
    })),
    ...{ nTokens: 0, headDim },
  };
}

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
