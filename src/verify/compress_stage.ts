/**
 * Compression of a cache between two steps, in the order of a spec's steps: rows are evicted, channels chosen,
 * older rows moved or coded, each on what the one before it left.
 */

import { classUnit } from "../layout/row_classes.ts";
import type { Layout } from "../layout/types.ts";
import { chooseBits } from "./bits_stage.ts";
import { compressedOf, withBuffers } from "./cache_state.ts";
import { headRows } from "./state_rows.ts";
import type { CacheState, HeadSizes, StreamName } from "./cache_state.ts";
import { keptOf } from "./case_choices.ts";
import { scoreChannels } from "./channel_score_stage.ts";
import type { Measurement } from "./compare.ts";
import { expandRows, wholeRows } from "./expand_stage.ts";
import { keepRows } from "./keep_stage.ts";
import type { RunNamed } from "./kernels.ts";
import { keyMeans } from "./means_stage.ts";
import { moveRows } from "./move_stage.ts";
import { rowsLeaving } from "./rows_leaving.ts";
import type { RowsLeaving } from "./rows_leaving.ts";
import { orderRows } from "./order_stage.ts";
import type { PlannedChannels, PlannedRows } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import type { Rings } from "./ring_stage.ts";
import { countChannels } from "./count_stage.ts";
import { selectChannels } from "./select_channels_stage.ts";
import { selectRows } from "./select_rows_stage.ts";
import { scoreTokens } from "./token_score_stage.ts";
import { turnRings } from "./turn_stage.ts";
import { TILE_ROWS } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { scoreValues } from "./value_score_stage.ts";
/** A cache and what is remembered of its queries. */
export interface Progress {
  readonly state: CacheState;
  readonly rings: Rings;
  /**
   * Scores of channels that rows keep their own by, f32 [nSlots, nLayers, nKvHeads, headDim]: those of the first
   * compression; null before it, and where none do.
   */
  readonly scores: Float32Array<ArrayBuffer> | null;
}

/** Whether older rows leave for another segment: those of a list once, codes after every turn. */
const compressesRows = ({ key, value }: Layout, isFirst: boolean): boolean =>
  [key, value].some(({ segments }) =>
    segments.length > 1 && (isFirst || segments.at(-1)!.flush !== null)
  );

/** Compresses a cache: rows are evicted and coded after every turn, channels are chosen once. */
export async function compress(
  p: PruningProblem,
  progress: Progress,
  { isFirst, run }: { readonly isFirst: boolean; readonly run: RunNamed },
): Promise<{ progress: Progress; measurements: Measurement[] }> {
  const found: Measurement[] = [];
  let { state: now, rings, scores } = progress;
  const take = (step: { readonly state: CacheState; readonly measurements: Measurement[] }) => {
    found.push(...step.measurements);
    now = step.state;
  };
  if (p.tokens) {
    take(await expandRows(now, { layout: p.layout, run }));
    const left = await evict({ ...p, tokens: p.tokens }, { state: now, rings, scores }, run);
    rings = left.rings;
    take(left);
  }
  if (isFirst) {
    // Of whole rows: what is chosen of one stream changes nothing for the other.
    for (const scored of p.channels) {
      if (scored.perRow) {
        const weighed = await scoreChannels(p, now, { scored, rings, run });
        found.push(...weighed.measurements);
        take(await keyMeans(now, run));
        scores = weighed.buffer;
      } else take(await chooseChannels(p, { state: now, rings, scores }, { scored, run }));
    }
  }
  if (compressesRows(p.layout, isFirst)) {
    take(await moveOlder(p, { state: now, rings, scores }, run));
  }
  return { progress: { state: now, rings, scores }, measurements: found };
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
  const counted = await countChannels(p, scores, { scored, widths: p.widths[of], run });
  const chosen = await selectChannels(p, scores, { widths: counted.keeps, run });
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
    measurements: [scores, counted, chosen].flatMap(({ measurements }) => measurements),
  };
}

/** Older rows move: ordered and measured first, where rows or channels are in classes. */
async function moveOlder(
  p: PruningProblem,
  { state, rings, scores }: Progress,
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
    const split = leaving.split;
    const chosen = await chooseBits({ ...p, bits }, state, { rows, split, order, rings, run });
    found.push(...chosen.measurements);
    now = chosen.state;
  }
  const moved = await moveRows(now, { ...leaving, order, scores, run });
  return { state: moved.state, measurements: [...found, ...moved.measurements] };
}

/** One eviction: scores, the choice, the copy, and what is remembered of queries. */
async function evict(
  p: PruningProblem & { readonly tokens: PlannedRows },
  { state, rings }: Progress,
  run: RunNamed,
): Promise<{ state: CacheState; rings: Rings; measurements: Measurement[] }> {
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
  const turned = await turnRings(stage, chosen, { rings, run });
  const kept = await keepRows(stage, chosen, run);
  const measurements = [scores, chosen, turned, kept].flatMap(({ measurements }) => measurements);
  return { state: kept.state, rings: turned.rings, measurements };
}
