/** The channel scores that a variant computes from the last queries and the full keys. */

import { layoutName } from "../layout/name.ts";
import { channelScoresReference } from "../reference/channel_scores.ts";
import { authorRunner } from "../reference/hooks.ts";
import { cacheBuffers, seenCache } from "./cache_state.ts";
import { headRows } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { roundedHook } from "./hooks.ts";
import type { RunNamed } from "./kernels.ts";
import type { PlannedScore } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { firstHead, remembered } from "./ring_stage.ts";
import type { Ring, Rings } from "./ring_stage.ts";
import { HALF_ULP } from "./rounding.ts";
import { AT } from "./written_cache.ts";

/** What a place holds that no kernel wrote. */
const UNTOUCHED = -7;

/** Scores of a KV head each, by the kernel and by the author's function. */
export interface Scores {
  /** f32 [nSlots, nLayers, nKvHeads, headDim] */
  readonly buffer: Float32Array<ArrayBuffer>;
  /** f64 [nKvHeads, headDim] */
  readonly want: Float64Array;
  readonly measurements: readonly Measurement[];
}

/** Scores the channels of a cache's keys, none of which is pruned yet. */
export async function scoreChannels(
  p: PruningProblem,
  state: CacheState,
  options: { readonly scored: PlannedScore; readonly rings: Rings; readonly run: RunNamed },
): Promise<Scores> {
  const { group, headDim } = p.shape;
  const { source, values, window } = options.scored;
  const ring = options.rings.get(window)!;
  const cache = seenCache(state);
  const { scores } = await options.run(
    `channel_scores_${source.definition.name}__${layoutName(p.layout)}`,
    {
      defines: { HEAD_DIM: headDim, GROUP: group },
      buffers: {
        ...cacheBuffers(cache),
        ...values.tables,
        q_ring: ring.buffer,
        scores: new Float32Array(AT.nSlots * AT.nLayers * N_KV_HEADS * headDim).fill(UNTOUCHED),
      },
      constants: {
        ...values.constants,
        ...cache.constants,
        ...{ slot: AT.slot, n_heads: group * N_KV_HEADS, n_kv_heads: N_KV_HEADS },
        key_page: cache.firstPages[p.layout.key.segments.length - 1]!,
        ...{ window, n_window: Math.min(window, state.nTokens) },
      },
    },
  );
  const { want, bound } = scoresAnswer(state, { shape: p.shape, scored: options.scored, ring });
  const start = firstHead(N_KV_HEADS) * headDim;
  const got = scores.slice(start, start + want.length);
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "channel", size: headDim }];
  const measurements = [{ kernel: "channel scores", dims, got, want, bound }];
  return { buffer: scores, want, measurements };
}

/** The author's scores of the rows as stored, and how far rounding may take f32 from them. */
function scoresAnswer(
  state: CacheState,
  { shape: { group, headDim }, scored, ring }: {
    readonly shape: PruningProblem["shape"];
    readonly scored: PlannedScore;
    readonly ring: Ring;
  },
) {
  const { source, path, values } = scored;
  const want = new Float64Array(N_KV_HEADS * headDim);
  const bound = new Float64Array(want.length);
  const rounded = roundedHook(source, path);
  const score = authorRunner(source.definition, path);
  for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
    const { keys } = headRows(state, kvHead);
    const context = { ...values.context, layer: AT.layer, kvHead };
    const heads = Array.from({ length: group }, (_, g) => kvHead * group + g);
    const queries = heads.map((head) => remembered(ring, head).rows);
    const given = { queries, keys, headDim, group: scored.group, context };
    want.set(channelScoresReference({ ...given, score }), kvHead * headDim);
    for (let channel = 0; channel < headDim; channel++) {
      const k = keys.map((row) => row[channel]!);
      // The group's mean adds each head's score once and divides.
      bound[kvHead * headDim + channel] = heads.reduce((largest, head) => {
        const q = scored.queries!.finish(ring.heads[head]!, channel);
        const [{ value, error } = { value: 0, error: 0 }] = rounded(q, k, { ...context, channel });
        const own = (group + 5) * HALF_ULP * Math.abs(value as number);
        return Math.max(largest, error + own);
      }, 0);
    }
  }
  return { want, bound };
}
