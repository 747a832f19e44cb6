/** The ring of last queries and the channel scores that a pruning variant computes from it. */

import { layoutName } from "../layout/name.ts";
import { channelScoresReference } from "../reference/channel_scores.ts";
import { authorRunner } from "../reference/hooks.ts";
import { qkvStride } from "./attention.ts";
import { rowOf } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { roundedHook } from "./hooks.ts";
import type { RunNamed } from "./kernels.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { HALF_ULP } from "./rounding.ts";
import { AT } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";

const SCORE = "steps[0].score";
/** What a place holds that no kernel wrote. */
const UNTOUCHED = -7;

/** Where layer AT.layer of slot AT.slot starts, in heads. */
export const firstHead = (nHeads: number): number => (AT.slot * AT.nLayers + AT.layer) * nHeads;

/** Records the prompt's rotated queries. @param qkv f32 [nPrompt, qkvStride] */
export async function recordQueries(
  p: PruningProblem,
  qkv: Float32Array<ArrayBuffer>,
  run: RunNamed,
): Promise<{ ring: Float32Array<ArrayBuffer>; measurements: Measurement[] }> {
  const { group, headDim } = p.shape;
  const nHeads = group * N_KV_HEADS;
  const length = AT.nSlots * AT.nLayers * nHeads * p.window * headDim;
  const { q_ring: ring } = await run("record_queries", {
    defines: { HEAD_DIM: headDim },
    buffers: {
      qkv,
      row_seq: new Uint32Array(p.nPrompt),
      seqs: Uint32Array.of(p.nPrompt, 0, 0, AT.slot),
      q_ring: new Float32Array(length).fill(UNTOUCHED),
    },
    constants: {
      ...{ layer: AT.layer, n_layers: AT.nLayers, n_heads: nHeads, window: p.window },
      qkv_stride: qkvStride(p.shape),
    },
    step: { nRows: p.nPrompt, nSeqs: 1 },
  });
  const want = new Float32Array(length).fill(UNTOUCHED);
  for (let head = 0; head < nHeads; head++) {
    queriesOf(p, qkv, head).places.forEach((row, place) => {
      if (row) want.set(row, ((firstHead(nHeads) + head) * p.window + place) * headDim);
    });
  }
  const dims = [
    { name: "slot", size: AT.nSlots },
    { name: "layer", size: AT.nLayers },
    { name: "head", size: nHeads },
    { name: "row", size: p.window },
    { name: "channel", size: headDim },
  ];
  return { ring, measurements: [{ kernel: "record queries", dims, got: ring, want }] };
}

/** The declared accumulator after the prompt's queries of one head. */
function queriesOf(p: PruningProblem, qkv: Float32Array, head: number) {
  const { headDim } = p.shape;
  const { queries } = p.step;
  let state = queries.init(p.window);
  for (let row = 0; row < p.nPrompt; row++) {
    const at = row * qkvStride(p.shape) + head * headDim;
    state = queries.update(state, qkv.subarray(at, at + headDim), row);
  }
  return state;
}

/** Scores of a KV head each, by the kernel and by the author's function. */
export interface Scores {
  /** f32 [nSlots, nLayers, nKvHeads, headDim] */
  readonly buffer: Float32Array<ArrayBuffer>;
  /** f64 [nKvHeads, headDim] */
  readonly want: Float64Array;
  readonly measurements: readonly Measurement[];
}

/** Scores the channels of the prompt's keys. */
export async function scoreChannels(
  p: PruningProblem,
  cache: WrittenCache,
  options: {
    readonly qkv: Float32Array<ArrayBuffer>;
    readonly ring: Float32Array<ArrayBuffer>;
    readonly run: RunNamed;
  },
): Promise<Scores> {
  const { group, headDim } = p.shape;
  const nKey = p.layout.key.segments.length;
  const { scores } = await options.run(
    `channel_scores_${p.sources.variant.definition.name}__${layoutName(p.layout)}`,
    {
      defines: { HEAD_DIM: headDim, GROUP: group },
      buffers: {
        ...cache.buffers,
        ...p.values.tables,
        q_ring: options.ring,
        scores: new Float32Array(AT.nSlots * AT.nLayers * N_KV_HEADS * headDim).fill(UNTOUCHED),
      },
      constants: {
        ...p.values.params,
        ...cache.constants,
        ...{ slot: AT.slot, n_heads: group * N_KV_HEADS, n_kv_heads: N_KV_HEADS },
        key_page: cache.firstPages[nKey - 1]!,
        ...{ window: p.window, n_window: Math.min(p.window, p.nPrompt) },
      },
    },
  );
  const { want, bound } = scoresAnswer(p, cache, options.qkv);
  const start = firstHead(N_KV_HEADS) * headDim;
  const got = scores.slice(start, start + want.length);
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "channel", size: headDim }];
  const measurements = [{ kernel: "channel scores", dims, got, want, bound }];
  return { buffer: scores, want, measurements };
}

/** The author's scores of the rows as stored, and how far rounding may take f32 from them. */
function scoresAnswer(p: PruningProblem, cache: WrittenCache, qkv: Float32Array) {
  const { group, headDim } = p.shape;
  const index = p.layout.key.segments.length - 1;
  const want = new Float64Array(N_KV_HEADS * headDim);
  const bound = new Float64Array(want.length);
  const rounded = roundedHook(p.sources.variant, SCORE);
  for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
    const keys = Array.from(
      { length: p.nPrompt },
      (_, row) => rowOf(cache, { kvHead, index, row, width: headDim }),
    );
    const states = Array.from(
      { length: group },
      (_, g) => queriesOf(p, qkv, kvHead * group + g),
    );
    const context = { ...p.values.context, layer: AT.layer, kvHead };
    const queries = states.map(({ places }) => places.filter((row) => row !== undefined));
    const given = { queries, keys, headDim, group: p.step.group, context };
    const score = authorRunner(p.sources.variant.definition, SCORE);
    want.set(channelScoresReference({ ...given, score }), kvHead * headDim);
    for (let channel = 0; channel < headDim; channel++) {
      const k = keys.map((row) => row[channel]!);
      // The group's mean adds each head's score once and divides.
      bound[kvHead * headDim + channel] = states.reduce((largest, state) => {
        const q = p.step.queries.finish(state, channel);
        const [{ value, error } = { value: 0, error: 0 }] = rounded(q, k, { ...context, channel });
        const own = (group + 5) * HALF_ULP * Math.abs(value as number);
        return Math.max(largest, error + own);
      }, 0);
    }
  }
  return { want, bound };
}
