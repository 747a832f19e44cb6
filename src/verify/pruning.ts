/**
 * What a pruning variant's kernels do to a cache, in the order of a run: append a prompt, remember its last
 * queries, score, select, keep, move or code; then steps over the compressed cache. Every kernel is held to the
 * reference on what the one before it left, so that errors do not add up.
 */

import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
import { classUnit } from "../layout/row_classes.ts";
import type { Layout } from "../layout/types.ts";
import { append, appendName } from "./append_stage.ts";
import type { Appended } from "./append_stage.ts";
import { attentionAnswer, attentionUses, measureAttention } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { bitsNames, chooseBits } from "./bits_stage.ts";
import { compressedOf, headRows, STREAMS, withBuffers } from "./cache_state.ts";
import type { CacheState, HeadSizes, StreamName } from "./cache_state.ts";
import { keptOf } from "./cases.ts";
import type { PruningCase } from "./cases.ts";
import { scoreChannels } from "./channel_score_stage.ts";
import type { Measurement } from "./compare.ts";
import { expandNames, expandRows, wholeLayout, wholeRows } from "./expand_stage.ts";
import { emptyCache } from "./fresh_pages.ts";
import { keepRows } from "./keep_stage.ts";
import type { KernelUse, RunNamed } from "./kernels.ts";
import { moveNames, moveRows, rowsLeaving } from "./move_stage.ts";
import type { RowsLeaving } from "./move_stage.ts";
import { orderNames, orderRows } from "./order_stage.ts";
import { scoredSteps } from "./planned_steps.ts";
import type { PlannedChannels, PlannedRows } from "./planned_steps.ts";
import { layoutSteps, stepsOfCase } from "./pruning_case.ts";
import type { PruningProblem, PruningSources } from "./pruning_case.ts";
import { emptyRings, recorded } from "./ring_stage.ts";
import type { Rings } from "./ring_stage.ts";
import { selectChannels } from "./select_channels_stage.ts";
import { selectRows, selectRowsNames } from "./select_rows_stage.ts";
import { addSums, startSums } from "./sums_stage.ts";
import { scoreTokens, tokenScoreNames } from "./token_score_stage.ts";
import { TILE_ROWS } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { scoreValues, valueScoreNames } from "./value_score_stage.ts";

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
      ]
      : []),
    ...channels.flatMap((step) => [
      ...(step.of === "key"
        ? [`channel_scores_${step.source.definition.name}__${name}`]
        : valueScoreNames(step, name)),
      "select_channels",
    ]),
    ...(classes ? orderNames(classes, name) : []),
    ...(bits ? bitsNames(bits, { layout }, name) : []),
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
  const take = (step: { readonly state: CacheState; readonly measurements: Measurement[] }) => {
    found.push(...step.measurements);
    now = step.state;
  };
  if (p.tokens) {
    take(await expandRows(now, { layout: p.layout, run }));
    take(await evict({ ...p, tokens: p.tokens }, { state: now, rings }, run));
  }
  if (isFirst) {
    // Of whole rows: what is chosen of one stream changes nothing for the other.
    for (const scored of p.channels) {
      take(await chooseChannels(p, { state: now, rings }, { scored, run }));
    }
  }
  if (compressesRows(p.layout, isFirst)) take(await moveOlder(p, { state: now, rings }, run));
  return { state: now, measurements: found };
}

/** Scores the channels of a stream and chooses those that stay. */
async function chooseChannels(
  p: PruningProblem,
  { state, rings }: Progress,
  { scored, run }: { readonly scored: PlannedChannels; readonly run: RunNamed },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { of } = scored;
  const score = of === "key" ? scoreChannels : scoreValues;
  const scores = await score(p, state, { scored, rings, run });
  const chosen = await selectChannels(p, scores, { widths: p.widths[of], run });
  const list = of === "key" ? "channels" : "value_channels";
  return {
    state: {
      ...state,
      cache: withBuffers(state.cache, { [list]: chosen.buffer }),
      heads: state.heads.map((head, kvHead): HeadSizes => ({
        ...head,
        [of]: { ...head[of], channels: chosen.kept[kvHead]! },
      })),
    },
    measurements: [...scores.measurements, ...chosen.measurements],
  };
}

/** Older rows move: ordered and measured first, where rows or channels are in classes. */
async function moveOlder(
  p: PruningProblem,
  { state, rings }: Progress,
  run: RunNamed,
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { classes, bits, layout } = p;
  const recent = (of: StreamName) =>
    Math.max(0, ...p.channels.filter((step) => step.of === of).map(({ recent }) => recent));
  const leaving: RowsLeaving = {
    layout,
    recent: { key: recent("key"), value: recent("value") },
    first: classes?.first ?? 0,
    split: classes && { share: classes.share, unit: classUnit(layout) },
  };
  const order = classes && await orderRows({ ...p, classes }, state, { leaving, rings, run });
  if (classes && order === null) return { state, measurements: [] };
  const found = [...order?.measurements ?? []];
  let now = state;
  const due = state.heads.map((head) => rowsLeaving(leaving, "key", head));
  const isCoded = state.heads.some((head) => compressedOf(head.key) > 0);
  if (bits && !isCoded && Math.max(...due) > 0) {
    const rows = order?.rows ?? due.map((n) => Array.from({ length: n }, (_, row) => row));
    const chosen = await chooseBits({ ...p, bits }, state, { rows, order, rings, run });
    found.push(...chosen.measurements);
    now = chosen.state;
  }
  const moved = await moveRows(now, { ...leaving, order, run });
  return { state: moved.state, measurements: [...found, ...moved.measurements] };
}

/** One eviction: scores, the choice, the copy. */
async function evict(
  p: PruningProblem & { readonly tokens: PlannedRows },
  { state, rings }: Progress,
  run: RunNamed,
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { first, last, scope } = p.tokens;
  const maxRows = Math.max(...state.heads.map(({ rows }) => rows));
  const cache = wholeRows(state);
  const stage: TokenStage = {
    ...{ problem: p, tokens: p.tokens, state, cache, maxRows },
    // Each segment may end in a tile of its own.
    nTiles: Math.ceil(maxRows / TILE_ROWS) + cache.layout.key.segments.length - 1,
    ring: rings.get(p.tokens.window) ?? null,
    heads: state.heads.map((_, kvHead) => headRows(state, kvHead)),
    candidates: state.heads.map(({ rows, key }, kvHead) => {
      // What the case says, and the protected ones at least.
      const asked = keptOf(p.kept, rows, scope === "layer" ? 0 : kvHead);
      const keep = Math.min(rows, Math.max(1, first + last, asked));
      return { from: 0, scored: rows, rows, listed: compressedOf(key), keep };
    }),
  };
  const scores = await scoreTokens(stage, run);
  const chosen = await selectRows(stage, scores, run);
  const kept = await keepRows(stage, chosen, run);
  const measurements = [scores, chosen, kept].flatMap(({ measurements }) => measurements);
  return { state: kept.state, measurements };
}

/** Before the first row: there is room for every row that comes. */
function emptyState({ nRows, layout, shape: { headDim }, widths }: PruningProblem): CacheState {
  const total = nRows.reduce((a, b) => a + b);
  const all = Array.from({ length: headDim }, (_, c) => c);
  return {
    cache: emptyCache(layout, { headDim, perSegment: Math.ceil(total / 128) + 1 }),
    heads: widths.key.map(() => {
      const [key, value] = STREAMS.map((of) => ({
        ...{ compressed: layout[of].segments.slice(1).map(() => 0), channels: all },
        ...(hasClasses(layout[of]) ? { high: headDim } : {}),
      }));
      return { rows: 0, key: key!, value: value! };
    }),
    ...{ nTokens: 0, headDim },
  };
}

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
