/**
 * The scores of value channels: what attention makes for the last queries over every row, then what the
 * variant's function makes of these outputs.
 */

import { layoutName } from "../layout/name.ts";
import { attentionReference } from "../reference/attention.ts";
import { authorRunner } from "../reference/hooks.ts";
import { outputScoresReference } from "../reference/window_outputs.ts";
import { attentionBound } from "./attention_bound.ts";
import type { SizedQuery } from "./attention_bound.ts";
import { seenCache } from "./cache_state.ts";
import { headRows } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Scores } from "./channel_score_stage.ts";
import type { Measurement } from "./compare.ts";
import { roundedHook } from "./hooks.ts";
import type { RunNamed } from "./kernels.ts";
import type { PlannedChannels } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { firstHead, remembered } from "./ring_stage.ts";
import type { Ring, Rings } from "./ring_stage.ts";
import { HALF_ULP } from "./rounding.ts";
import type { Rounded } from "./rounding.ts";
import { AT } from "./written_cache.ts";

/** What a place holds that no kernel wrote. */
const UNTOUCHED = -7;

/** The kernels that score value channels, in order. */
export const valueScoreNames = ({ source }: PlannedChannels, layout: string): string[] => [
  `window_outputs__${layout}`,
  `channel_scores_${source.definition.name}`,
];

/** Scores the channels of a cache's values, none of which is pruned yet. */
export async function scoreValues(
  p: PruningProblem,
  state: CacheState,
  { scored, rings, run }: {
    readonly scored: PlannedChannels;
    readonly rings: Rings;
    readonly run: RunNamed;
  },
): Promise<Scores> {
  const { group, headDim } = p.shape;
  const { source, values, window } = scored;
  const ring = rings.get(window)!;
  const cache = seenCache(state);
  const nHeads = group * N_KV_HEADS;
  const nWindow = Math.min(window, state.nTokens);
  const pool = {
    defines: { HEAD_DIM: headDim, GROUP: group },
    constants: {
      ...values.constants,
      ...cache.constants,
      ...{ slot: AT.slot, n_heads: nHeads, n_kv_heads: N_KV_HEADS, window, n_window: nWindow },
      ...{ n_tokens: state.nTokens, scale: 1 / Math.sqrt(headDim) },
      key_page: cache.firstPages[p.layout.key.segments.length - 1]!,
      value_page: cache.firstPages.at(-1)!,
    },
  };
  const { outputs } = await run(`window_outputs__${layoutName(p.layout)}`, {
    ...pool,
    buffers: {
      ...{ ...cache.buffers, q_ring: ring.buffer },
      outputs: new Float32Array(nHeads * nWindow * headDim).fill(NaN),
    },
  });
  const exact = outputsOf(state, ring, group);
  const { scores } = await run(`channel_scores_${source.definition.name}`, {
    ...pool,
    buffers: {
      ...{ ...values.tables, outputs },
      scores: new Float32Array(AT.nSlots * AT.nLayers * N_KV_HEADS * headDim).fill(UNTOUCHED),
    },
  });
  const authors = scoresOf(exact.map((head) => head.map(({ want }) => want)), scored, headDim);
  const written = outputRows(outputs, { nWindow, headDim });
  const given = scoresOf(written, scored, headDim);
  const start = firstHead(N_KV_HEADS) * headDim;
  const flat = exact.flat();
  return {
    ...{ buffer: scores, want: authors.want },
    measurements: [
      {
        kernel: "window outputs",
        dims: [
          { name: "head", size: nHeads },
          { name: "query", size: nWindow },
          { name: "channel", size: headDim },
        ],
        got: outputs,
        want: flat.flatMap(({ want }) => [...want]),
        bound: flat.flatMap(({ bound }) => [...bound]),
      },
      {
        kernel: "channel scores",
        dims: [{ name: "head", size: N_KV_HEADS }, { name: "channel", size: headDim }],
        got: scores.slice(start, start + given.want.length),
        ...given,
      } satisfies Measurement,
    ],
  };
}

/** What attention makes for the remembered queries of every head, in f64 with bounds. */
function outputsOf(state: CacheState, ring: Ring, group: number) {
  const heads = state.heads.map((_, kvHead) => headRows(state, kvHead));
  return ring.heads.map((_, head) => {
    const { rows, first } = remembered(ring, head);
    const { keys, values, positions } = heads[Math.floor(head / group)]!;
    return rows.map((q, i) => {
      const query: SizedQuery = {
        ...{ q, keys, values, ...(positions ? { positions } : {}) },
        scale: 1 / Math.sqrt(q.length),
        score: (s) => [s as number],
        mask: (_, context) => {
          const { keyPosition, queryPosition } = context as Record<string, number>;
          return [keyPosition! <= queryPosition!];
        },
        context: { queryPosition: first + i },
      };
      const bound = attentionBound(query, (logit) => [logit as Rounded]);
      return { want: attentionReference(query), bound };
    });
  });
}

/** The outputs that a kernel wrote: rows of [headDim] of every query of every head. */
const outputRows = (
  outputs: Float32Array,
  { nWindow, headDim }: { readonly nWindow: number; readonly headDim: number },
): Float32Array[][] =>
  Array.from(
    { length: outputs.length / nWindow / headDim },
    (_, head) =>
      Array.from({ length: nWindow }, (_, query) => {
        const start = (head * nWindow + query) * headDim;
        return outputs.subarray(start, start + headDim);
      }),
  );

/** The author's scores of outputs, f64 [nKvHeads, headDim], and how far rounding may take f32 from them. */
function scoresOf(
  outputs: readonly (readonly ArrayLike<number>[])[],
  { source, path, values, group }: PlannedChannels,
  headDim: number,
) {
  const each = outputs.length / N_KV_HEADS;
  const want = new Float64Array(N_KV_HEADS * headDim);
  const bound = new Float64Array(want.length);
  const score = authorRunner(source.definition, path);
  const rounded = roundedHook(source, path);
  for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
    const heads = outputs.slice(kvHead * each, (kvHead + 1) * each);
    const context = { ...values.context, layer: AT.layer, kvHead };
    want.set(outputScoresReference(heads, { score, group, context }), kvHead * headDim);
    for (let channel = 0; channel < headDim; channel++) {
      // The group's mean adds each head's score once and divides.
      bound[kvHead * headDim + channel] = heads.reduce((largest, rows) => {
        const column = rows.map((row) => row[channel]!);
        const [{ value, error }] = rounded(column, { ...context, channel }) as [Rounded];
        return Math.max(largest, error + (each + 5) * HALF_ULP * Math.abs(value as number));
      }, 0);
    }
  }
  return { want, bound };
}
