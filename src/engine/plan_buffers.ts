/**
 * What a plan is made from, the buffers it allocates beside weights and cache, and the pool of names that
 * its kernels bind.
 */

import type { BufferSlice, Device, DeviceBuffer } from "../device/types.ts";
import type { LlamaConfig } from "../model/config.ts";
import { activationSizes, allocateAll, stepSizes } from "./activations.ts";
import type { ActivationName, StepLimits } from "./activations.ts";
import type { AttentionPlan } from "./attention_plan.ts";
import type { KvCache } from "./cache.ts";
import { whole } from "./draft.ts";
import type { Pool } from "./draft.ts";
import type { ModelWeights } from "./model_weights.ts";
import type { ChannelsPlan } from "./prune_plan.ts";
import type { Step } from "./step.ts";
import { inKernelSpelling } from "./tables.ts";

/** What a plan is made from. */
export interface PlanInputs {
  readonly config: LlamaConfig;
  readonly weights: ModelWeights;
  readonly attention: AttentionPlan;
  readonly channels: ChannelsPlan | null;
  readonly cache: KvCache;
  readonly limits: StepLimits;
  /** f32 [nCtx, headDim] */
  readonly rope: Float32Array;
}

/** Buffers that pruning needs beside the cache. */
export interface PruneBuffers {
  /** f32 [nSlots, nLayers, nHeads, window, headDim] */
  readonly q_ring: DeviceBuffer;
  /** f32 [nSlots, nLayers, nKvHeads, headDim] */
  readonly scores: DeviceBuffer;
  /** u32 [nLayers, nKvHeads] */
  readonly widths: DeviceBuffer;
  /** u32 [nKvHeads, pageEntries]: the pages a move reads. */
  readonly src_pages: DeviceBuffer;
  /** u32 [nLayers, nKvHeads, 4], for the rows that are pruned and for those that stay whole. */
  readonly moves: readonly [DeviceBuffer, DeviceBuffer];
}

/** Everything a plan allocates beside weights and cache. */
export interface PlanBuffers {
  readonly activations: Record<ActivationName, DeviceBuffer>;
  readonly step: Record<Exclude<keyof Step, "step">, DeviceBuffer>;
  readonly prune: PruneBuffers | null;
  readonly attentionTables: Record<string, BufferSlice>;
  readonly pruneTables: Record<string, BufferSlice>;
  readonly rope: DeviceBuffer;
}

/** Allocates a plan's buffers and fills those that never change. */
export function allocateBuffers(device: Device, inputs: PlanInputs): PlanBuffers {
  const { config, channels, cache, limits, attention, rope } = inputs;
  const { nSlots, nLayers, nKvHeads, headDim, layout } = cache.shape;
  const nKeySegments = layout.key.segments.length;
  const upload = (name: string, data: Float32Array | Uint32Array) => {
    const buffer = device.allocate(Math.max(4, data.byteLength), name);
    device.write(buffer, data);
    return buffer;
  };
  const tables = (values: Readonly<Record<string, Float32Array | Uint32Array>>) =>
    inKernelSpelling(
      Object.fromEntries(Object.entries(values).map(([n, data]) => [n, whole(upload(n, data))])),
    );
  const moves = () => device.allocate(nLayers * nKvHeads * 16, "moves");
  return {
    activations: allocateAll(device, activationSizes(config, limits, nKeySegments)),
    step: allocateAll(device, stepSizes(limits)),
    prune: channels === null ? null : {
      q_ring: device.reserve(
        4 * nSlots * nLayers * config.nHeads * channels.window * headDim,
        "q_ring",
      ),
      scores: device.allocate(4 * nSlots * nLayers * nKvHeads * headDim, "scores"),
      widths: upload("widths", channels.widths),
      src_pages: device.allocate(4 * nKvHeads * cache.pageEntries, "src_pages"),
      moves: [moves(), moves()],
    },
    attentionTables: tables(attention.tables),
    pruneTables: tables(channels?.tables ?? {}),
    rope: upload("rope", rope),
  };
}

/** What any kernel of the plan may bind. */
export function poolOf(
  { config, cache, channels, limits }: PlanInputs,
  buffers: PlanBuffers,
): Pool {
  const { nHeads, nKvHeads, nLayers, headDim } = config;
  const { prune } = buffers;
  const slices = (of: Readonly<Record<string, DeviceBuffer>>) =>
    Object.fromEntries(Object.entries(of).map(([name, buffer]) => [name, whole(buffer)]));
  const pages: Record<string, number> = {};
  for (const stream of ["key", "value"] as const) {
    const segments = cache.segments.filter((s) => s.stream === stream);
    segments.forEach(({ page }, i) => pages[`${stream}_page_${i}`] = page);
    pages[`${stream}_page`] = segments.at(-1)!.page;
  }
  return {
    buffers: {
      ...slices(buffers.activations),
      ...slices(buffers.step),
      ...slices({ rope: buffers.rope, heads: cache.heads }),
      ...slices({ pages: cache.table.pages, dst_pages: cache.table.pages }),
      ...(cache.channels ? slices({ channels: cache.channels }) : {}),
      ...(prune
        ? slices({ q_ring: prune.q_ring, scores: prune.scores, widths: prune.widths })
        : {}),
      ...(prune ? slices({ src_pages: prune.src_pages }) : {}),
    },
    constants: {
      ...pages,
      n_layers: nLayers,
      n_heads: nHeads,
      n_kv_heads: nKvHeads,
      qkv_stride: (nHeads + 2 * nKvHeads) * headDim,
      out_stride: nHeads * headDim,
      page_entries: cache.pageEntries,
      scale: 1 / Math.sqrt(headDim),
      window: channels?.window ?? 0,
      max_rows: limits.nCtx,
    },
  };
}
