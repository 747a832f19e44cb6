/** From a case to a problem: a prompt's rows before rotation, and the step that follows the compression. */

import { amountOf, stepOf } from "../dsl/pruning.ts";
import type { ChannelsStep, Pruning } from "../dsl/pruning.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutOf } from "../layout/make.ts";
import type { Layout } from "../layout/types.ts";
import { qkvStride } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { N_KV_HEADS, widthsOf } from "./cases.ts";
import type { PruningCase } from "./cases.ts";
import { valuesOf } from "./hooks.ts";
import type { Values } from "./hooks.ts";
import { randomFrom, randomRows } from "./numbers.ts";
import { AT } from "./written_cache.ts";

/** The definitions that a compression and the step after it run. */
export interface PruningSources {
  readonly variant: KernelSource;
  readonly append: KernelSource;
  readonly attention: KernelSource;
}

/** A prompt to append, score and compress, and a step to append and attend. */
export interface PruningProblem {
  readonly sources: PruningSources;
  readonly step: ChannelsStep;
  readonly values: Values;
  readonly attentionValues: Values;
  readonly layout: Layout;
  readonly shape: AttentionProblem["shape"];
  /** f32 [nPrompt + nQuery, qkvStride], before rotation. */
  readonly qkv: Float32Array<ArrayBuffer>;
  /** f32 [nCtx, headDim]: cosines, then sines. */
  readonly rope: Float32Array<ArrayBuffer>;
  readonly nPrompt: number;
  readonly nQuery: number;
  /** Channels that each KV head keeps. */
  readonly widths: readonly number[];
  /** Places of the ring of queries. */
  readonly window: number;
  /** Rows that leave for the list segment: all but the protected last ones. */
  readonly moved: number;
}

/** The problem of a case. @param seed another one gives other numbers */
export function pruningProblem(
  sources: PruningSources,
  given: PruningCase,
  seed: number,
): PruningProblem {
  const { types, shape, cached: nPrompt, nQuery, numbers, kept } = given;
  const { group, headDim } = shape;
  const variant = sources.variant.definition as Pruning;
  const nHeads = group * N_KV_HEADS;
  const nCtx = nPrompt + nQuery;
  const dims = { nLayers: AT.nLayers, nHeads, nKvHeads: N_KV_HEADS, headDim, nCtx: 4096 };
  const values = valuesOf(variant, { params: given.params, dims });
  const attention = sources.attention.definition as unknown as Pruning;
  const { step } = stepOf(variant, "channels")!;
  const recent = amountOf(step.protect?.last ?? 0, values.params);
  const random = randomFrom(seed);
  const qkv = new Float32Array(nCtx * qkvStride(shape));
  const options = { headDim, numbers, type: "f32" as const };
  for (let head = 0; head < nHeads + 2 * N_KV_HEADS; head++) {
    randomRows(nCtx, random, options)
      .forEach((row, i) => qkv.set(row, i * qkvStride(shape) + head * headDim));
  }
  return {
    ...{ sources, step, values, shape, qkv, nPrompt, nQuery },
    attentionValues: valuesOf(attention, { params: "default", dims }),
    layout: layoutOf(variant, types),
    rope: ropeTable(nCtx, headDim),
    widths: widthsOf(kept, headDim),
    window: amountOf(step.queries.rows, values.params),
    moved: Math.max(0, nPrompt - recent),
  };
}

/** Angles as models have them, of base 10000. */
function ropeTable(nCtx: number, headDim: number): Float32Array<ArrayBuffer> {
  const half = headDim / 2;
  return Float32Array.from({ length: nCtx * headDim }, (_, i) => {
    const channel = i % headDim;
    const angle = Math.floor(i / headDim) * 10000 ** (-(channel % half) / half);
    return channel < half ? Math.cos(angle) : Math.sin(angle);
  });
}
