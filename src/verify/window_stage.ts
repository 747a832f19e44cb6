/**
 * What token scores read beside a row: the softmax of the remembered queries over all rows, causal by true
 * positions, and the mean of unit keys.
 */

import { layoutName } from "../layout/name.ts";
import { meanUnitKeyReference } from "../reference/token_scores.ts";
import type { SeenRows } from "./state_rows.ts";
import type { Measurement } from "./compare.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { RunNamed } from "./kernels.ts";
import { remembered } from "./ring_stage.ts";
import type { Ring } from "./ring_stage.ts";
import type { Rounded } from "./rounding.ts";
import { HALF_ULP } from "./rounding.ts";
import { roundedLogit, softmaxBound } from "./softmax_bound.ts";
import type { RoundedSoftmax } from "./softmax_bound.ts";
import type { TokenStage } from "./token_stage.ts";
import { tokenPool } from "./token_stage.ts";

/** One query's softmax: over those rows, ascending, that it sees; null: none. */
export interface WindowRow {
  readonly rows: readonly number[];
  readonly softmax: RoundedSoftmax | null;
}

/** Softmax rows of a query head's remembered queries, oldest first, in f64 with bounds. */
export function windowRows(ring: Ring, head: number, seen: SeenRows): WindowRow[] {
  const { keys, positions, sizes } = seen;
  const scale = 1 / Math.sqrt(keys[0]!.length);
  const { rows: queries, first } = remembered(ring, head);
  return queries.map((q, i) => {
    const rows = keys.map((_, row) => row).filter((row) => (positions?.[row] ?? row) <= first + i);
    const logits = rows.map((row) => roundedLogit(q, keys[row]!, scale, sizes?.keys[row]));
    return { rows, softmax: logits.length === 0 ? null : softmaxBound(logits) };
  });
}

/** Runs the window's softmax. @returns f32 [nHeads, n_window, 2] */
export async function windowSoftmax(
  stage: TokenStage,
  windows: readonly (readonly WindowRow[])[],
  run: RunNamed,
): Promise<{ window_sums: Float32Array<ArrayBuffer>; measurements: Measurement[] }> {
  const pool = tokenPool(stage);
  const nWindow = windows[0]!.length;
  const { window_sums } = await run(`window_softmax__${layoutName(stage.cache.layout)}`, {
    ...pool,
    buffers: {
      ...pool.buffers,
      window_sums: new Float32Array(windows.length * nWindow * 2).fill(NaN),
    },
  });
  const want = new Float64Array(window_sums.length);
  const bound = new Float64Array(want.length);
  windows.flat().forEach(({ softmax }, i) => {
    // Of a query that sees nothing only the sum is told.
    const { largest, sum } = softmax ?? { largest: unseen(window_sums[2 * i]!), sum: unseen(0) };
    want.set([largest.value, sum.value], 2 * i);
    bound.set([largest.error, sum.error], 2 * i);
  });
  const dims = [
    { name: "head", size: windows.length },
    { name: "query", size: nWindow },
    { name: "largest, sum", size: 2 },
  ];
  return {
    window_sums,
    measurements: [{ kernel: "window softmax", dims, got: window_sums, want, bound }],
  };
}

const unseen = (value: number) => ({ value, error: 0 });

/** The mean of a head's unit keys with bounds: channels, then its norm. */
export interface RoundedAnchor {
  readonly mean: Float64Array;
  readonly errors: Float64Array;
  readonly norm: { readonly value: number; readonly error: number };
}

/**
 * A norm is a root of headDim squares, a unit key's channel a quotient, the mean a sum over the rows: as
 * many roundings of the absolute values' mean. What the channels are off together the norm is at most.
 */
export function roundedAnchor(keys: readonly Float32Array[]): RoundedAnchor {
  const headDim = keys[0]!.length;
  const mean = meanUnitKeyReference(keys);
  const sizes = meanUnitKeyReference(keys.map((key) => key.map(Math.abs)));
  const errors = sizes.map((size) => (headDim / 2 + keys.length + 24) * HALF_ULP * size);
  const norm = Math.hypot(...mean);
  return {
    ...{ mean, errors },
    norm: { value: norm, error: Math.hypot(...errors) + (headDim + 10) * HALF_ULP * norm },
  };
}

/** key · anchor with its bound. */
export function anchorDot(key: Float32Array, { mean, errors }: RoundedAnchor): Rounded {
  const { value, error } = roundedLogit(mean, key, 1);
  return { value, error: key.reduce((sum, x, c) => sum + Math.abs(x) * errors[c]!, error) };
}

/** Elements of a head's anchor: channels, its norm, what fills a cache line. */
const anchorStride = (headDim: number): number => headDim + 16;

/** Runs the anchors. @returns f32 [nKvHeads, headDim + 16] */
export async function keyAnchors(
  stage: TokenStage,
  wanted: readonly RoundedAnchor[],
  run: RunNamed,
): Promise<{ anchors: Float32Array<ArrayBuffer>; measurements: Measurement[] }> {
  const { headDim } = stage.problem.shape;
  const stride = anchorStride(headDim);
  const pool = tokenPool(stage);
  const { anchors } = await run(`key_anchors__${layoutName(stage.cache.layout)}`, {
    ...pool,
    buffers: { ...pool.buffers, anchors: new Float32Array(N_KV_HEADS * stride).fill(NaN) },
  });
  const take = (anchor: RoundedAnchor, of: "value" | "error") => [
    ...(of === "value" ? anchor.mean : anchor.errors),
    anchor.norm[of],
  ];
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "channel or norm", size: headDim + 1 }];
  return {
    anchors,
    measurements: [{
      ...{ kernel: "key anchors", dims },
      got: wanted.flatMap((_, i) => [...anchors.subarray(i * stride, i * stride + headDim + 1)]),
      want: wanted.flatMap((anchor) => take(anchor, "value")),
      bound: wanted.flatMap((anchor) => take(anchor, "error")),
    }],
  };
}
