/**
 * Running sums of attention's columns: a prompt's are given, a step's kernels add to them. Bytes beside them
 * stay.
 */

import { softmaxReference } from "../reference/attention.ts";
import { attentionQueries, prefillPool } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { weightsBound } from "./attention_bound.ts";
import { kernelOf } from "./attention_kernels.ts";
import { withBuffers } from "./cache_state.ts";
import { sumByteOf, sumsOf } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { roundedHook } from "./hooks.ts";
import type { RunNamed } from "./kernels.ts";
import { HALF_ULP } from "./rounded_op.ts";
import { changedBytes } from "./stray_bytes.ts";

/** Sums as a prompt leaves them: more for rows that many queries saw, and no two alike. */
export function startSums(state: CacheState): CacheState {
  const cache = withBuffers(state.cache, { arena: state.cache.buffers.arena.slice() });
  const next = { ...state, cache };
  const view = new DataView(cache.buffers.arena.buffer);
  state.heads.forEach(({ rows }, kvHead) => {
    for (let row = 0; row < rows; row++) {
      const sum = (rows - row) / 16 + (row * 7 + kvHead) % 13;
      view.setFloat32(sumByteOf(next, kvHead, row), sum, true);
    }
  });
  return next;
}

/** Adds a step's queries; `state` counts its rows. */
export async function addSums(
  p: AttentionProblem,
  state: CacheState,
  run: RunNamed,
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const nHeads = p.shape.group * N_KV_HEADS;
  const step = prefillPool(p);
  const row_softmax = new Float32Array(p.nQuery * nHeads * 2).fill(NaN);
  const prefilled = await run(kernelOf(p, "prefill_recording"), {
    ...step,
    buffers: { ...step.buffers, row_softmax },
  });
  const { arena } = await run(kernelOf(p, "sums"), {
    ...step,
    buffers: { ...step.buffers, row_softmax: prefilled.row_softmax },
    constants: { ...step.constants, n_ctx: Math.max(...state.heads.map(({ rows }) => rows)) },
  });
  const next = { ...state, cache: withBuffers(state.cache, { arena }) };
  const wanted = state.heads.map((_, kvHead) => {
    const sums = sumsOf(state, kvHead);
    return { want: sums.fill(0, sums.length - p.nQuery), bound: sums.map(() => 0) };
  });
  const rounded = roundedHook(p.source, "score");
  attentionQueries(p).forEach((query, i) => {
    const { want, bound } = wanted[Math.floor(i % nHeads / p.shape.group)]!;
    softmaxReference(query).weights.forEach((weight, row) => want[row]! += weight);
    const seen = weightsBound(query, rounded);
    seen?.rows.forEach((row, at) => bound[row]! += seen.softmax.errors[at]!);
    // Each sum is rounded once for every query.
    want.forEach((sum, row) => bound[row]! += HALF_ULP * sum);
  });
  return { state: next, measurements: compareSums(state, next, wanted) };
}

/** Sums of all heads, and the bytes that are none. */
function compareSums(
  before: CacheState,
  after: CacheState,
  wanted: readonly { readonly want: readonly number[]; readonly bound: readonly number[] }[],
): Measurement[] {
  const kernel = "column sums";
  const size = Math.max(...wanted.map(({ want }) => want.length));
  const [got, want, bound] = Array.from({ length: 3 }, () => new Float64Array(N_KV_HEADS * size));
  const restored = after.cache.buffers.arena.slice();
  wanted.forEach((own, kvHead) => {
    got!.set(sumsOf(after, kvHead), kvHead * size);
    want!.set(own.want, kvHead * size);
    bound!.set(own.bound, kvHead * size);
    own.want.forEach((_, row) => {
      const at = sumByteOf(after, kvHead, row);
      restored.set(before.cache.buffers.arena.subarray(at, at + 4), at);
    });
  });
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "sum of row", size }];
  return [
    { kernel, dims, got: got!, want: want!, bound: bound! },
    changedBytes(kernel, before.cache.buffers.arena, restored),
  ];
}
