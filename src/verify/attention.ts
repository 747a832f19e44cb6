/**
 * Attention kernels on one step's queries over a cache: prefill of all of them, decode and merge of the
 * last, and what the author's function makes of the same rows in f64.
 */

import { QUERY_TILE } from "../core/tiles.ts";
import { mergeKernel } from "../layout/name.ts";
import { isTurned } from "../layout/types.ts";
import { attentionReference } from "../reference/attention.ts";
import { turnBound, turnReference } from "../reference/basis.ts";
import { authorRunner } from "../reference/hooks.ts";
import type { KernelSource } from "../emit/types.ts";
import { attentionBound } from "./attention_bound.ts";
import type { SizedQuery } from "./attention_bound.ts";
import { kernelOf } from "./attention_kernels.ts";
import { cacheBuffers } from "./cache_state.ts";
import type { SeenRows } from "./state_rows.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { CodedRows } from "./coded_rows.ts";
import type { Dimension, Measurement } from "./compare.ts";
import { roundedHook } from "./hooks.ts";
import type { Values } from "./hooks.ts";
import type { RunNamed } from "./kernels.ts";
import { AT, pageConstants } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";
import { roundedAnswer } from "./rounded_rows.ts";

/** A step's queries over the rows of a cache, their own among them. */
export interface AttentionProblem {
  readonly source: KernelSource;
  readonly values: Values;
  readonly shape: { readonly group: number; readonly headDim: number };
  /** f32 [nQuery, qkvStride]: what prefill and decode bind. */
  readonly qkv: Float32Array<ArrayBuffer>;
  readonly nQuery: number;
  /** Of the first query. */
  readonly position: number;
  /** Every row after the step as the cache has it, per KV head; channels that are not stored are zero. */
  readonly heads: readonly SeenRows[];
  /** Its counts leave this step's rows out. */
  readonly cache: WrittenCache;
  /** Per KV head, where what meets the cache is rounded; absent: rows are multiplied as the f32 they stand for. */
  readonly codes?: readonly CodedRows[];
}

/** What the reference says of a problem: f64 [nQuery, nHeads, headDim], and the bounds. */
export interface AttentionAnswer {
  readonly want: Float64Array;
  readonly bound: Float64Array;
}

/** Elements of a row of qkv. */
export const qkvStride = ({ group, headDim }: AttentionProblem["shape"]): number =>
  (group + 2) * N_KV_HEADS * headDim;

/** The author's function on every query and head. */
export function attentionAnswer(p: AttentionProblem): AttentionAnswer {
  const { group, headDim } = p.shape;
  const nHeads = group * N_KV_HEADS;
  const rounded = roundedHook(p.source, "score");
  const want = new Float64Array(p.nQuery * nHeads * headDim);
  const bound = new Float64Array(want.length);
  const isBack = isTurned(p.cache.layout.value);
  attentionQueries(p).forEach((one, i) => {
    const codes = p.codes?.[Math.floor(i % nHeads / group)];
    const { out, errors } = codes
      ? roundedAnswer(one, codes, rounded)
      : { out: attentionReference(one), errors: attentionBound(one, rounded) };
    want.set(isBack ? turnReference(out) : out, i * headDim);
    bound.set(isBack ? errors.fill(turnBound(out, errors)) : errors, i * headDim);
  });
  return { want, bound };
}

/** Every query and head, [nQuery, nHeads], with what it may look at. */
export function attentionQueries(p: AttentionProblem): SizedQuery[] {
  const { group, headDim } = p.shape;
  const nHeads = group * N_KV_HEADS;
  const { definition } = p.source;
  const [score, mask] = [authorRunner(definition, "score"), authorRunner(definition, "mask")];
  return Array.from({ length: p.nQuery * nHeads }, (_, i) => {
    const [query, head] = [Math.floor(i / nHeads), i % nHeads];
    const kvHead = Math.floor(head / group);
    const { keys, values, positions, sizes } = p.heads[kvHead]!;
    const place = keys.length - p.nQuery + query;
    const at = query * qkvStride(p.shape) + head * headDim;
    return {
      q: p.qkv.subarray(at, at + headDim),
      // A query sees the rows up to its own, whatever its position.
      keys: keys.slice(0, place + 1),
      values,
      ...(positions ? { positions } : {}),
      ...(sizes ? { sizes } : {}),
      scale: 1 / Math.sqrt(headDim),
      ...{ score, mask },
      context: {
        ...p.values.context,
        ...{ queryPosition: p.position + query, head, kvHead, layer: AT.layer },
      },
    };
  });
}

/** Runs prefill, then decode and merge, against an answer. */
export async function measureAttention(
  p: AttentionProblem,
  answer: AttentionAnswer,
  run: RunNamed,
): Promise<Measurement[]> {
  const nHeads = p.shape.group * N_KV_HEADS;
  const dims = (nQuery: number): Dimension[] => [
    { name: "row", size: nQuery },
    { name: "head", size: nHeads },
    { name: "channel", size: p.shape.headDim },
  ];
  const width = nHeads * p.shape.headDim;
  const last = { want: answer.want.slice(-width), bound: answer.bound.slice(-width) };
  const how = p.codes ? ", rounded" : "";
  return [
    { kernel: `prefill${how}`, dims: dims(p.nQuery), got: await prefill(p, run), ...answer },
    { kernel: `decode + merge${how}`, dims: dims(1), got: await decode(p, run), ...last },
  ];
}

/** What all entries bind. */
export function attentionPool({ shape: { group, headDim }, values, cache }: AttentionProblem) {
  return {
    defines: { HEAD_DIM: headDim, GROUP: group },
    buffers: { ...cacheBuffers(cache), ...values.tables },
    constants: {
      ...cache.constants,
      ...{ n_heads: group * N_KV_HEADS, n_kv_heads: N_KV_HEADS },
      qkv_stride: qkvStride({ group, headDim }),
      out_stride: group * N_KV_HEADS * headDim,
      stores_codes: 0,
      ...pageConstants(cache),
      scale: 1 / Math.sqrt(headDim),
      ...values.constants,
    },
  };
}

/** What prefill of a step binds and writes: `out`, f32 [nQuery, nHeads · headDim]. */
export function prefillPool(p: AttentionProblem) {
  const pool = attentionPool(p);
  const tiles: number[] = [];
  for (let row = 0; row < p.nQuery; row += QUERY_TILE) {
    tiles.push(0, row, Math.min(QUERY_TILE, p.nQuery - row), 0);
  }
  return {
    ...pool,
    buffers: {
      ...pool.buffers,
      qkv: p.qkv,
      tiles: Uint32Array.from(tiles),
      seqs: Uint32Array.of(p.nQuery, 0, p.position, AT.slot),
      out: new Float32Array(p.nQuery * pool.constants.out_stride).fill(NaN),
    },
    step: { nRows: p.nQuery, nSeqs: 1, nTiles: tiles.length / 4 },
  };
}

/** The step's outputs, in tiles of queries. */
async function prefill(p: AttentionProblem, run: RunNamed): Promise<Float32Array> {
  return (await run(kernelOf(p, "prefill"), prefillPool(p))).out;
}

/** The last query's output, in chunks of the cache that are merged: f32 [nHeads · headDim]. */
async function decode(p: AttentionProblem, run: RunNamed): Promise<Float32Array> {
  const pool = attentionPool(p);
  const nHeads = pool.constants.n_heads;
  // One more than there are chunks, as a longer sequence beside this one would ask for.
  const nSplits = p.cache.nSplits + 1;
  const step = { nRows: 1, nSeqs: 1, nDecode: 1, nSplits };
  const decode_rows = Uint32Array.of(0);
  const { partials } = await run(kernelOf(p, "decode"), {
    ...pool,
    buffers: {
      ...pool.buffers,
      ...{ heads: withEarlierRows(p), decode_rows, row_seq: Uint32Array.of(0) },
      qkv: p.qkv.slice((p.nQuery - 1) * qkvStride(p.shape)),
      seqs: Uint32Array.of(1, 0, p.position + p.nQuery - 1, AT.slot),
      partials: new Float32Array(nHeads * nSplits * (p.shape.headDim + 16)).fill(NaN),
    },
    step,
  });
  const { out } = await run(mergeKernel(p.cache.layout), {
    ...pool,
    buffers: {
      ...{ partials, decode_rows },
      out: new Float32Array(pool.constants.out_stride).fill(NaN),
      row_softmax: new Float32Array(2 * nHeads).fill(NaN),
    },
    step,
  });
  return out;
}

/** `heads` with all but the last query's rows counted as stored, as a decode step finds them. */
function withEarlierRows({ cache, nQuery }: AttentionProblem): Uint32Array<ArrayBuffer> {
  const heads = Uint32Array.from(cache.buffers.heads);
  const nKey = cache.layout.key.segments.length;
  const nSegments = cache.firstPages.length;
  const first = (AT.slot * AT.nLayers + AT.layer) * N_KV_HEADS;
  for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
    for (const last of [nKey - 1, nSegments - 1]) {
      heads[((first + kvHead) * nSegments + last) * 2]! += nQuery - 1;
    }
  }
  return heads;
}
