/**
 * The buffers that a plan allocates beside weights and cache: those of every step, and those of each kind of
 * pruning that its spec has.
 */

import type { BufferSlice, Device, DeviceBuffer } from "../device/types.ts";
import type { LlamaConfig } from "../model/config.ts";
import { activationSizes, allocateAll, stepSizes } from "./activations.ts";
import type { ActivationName } from "./activations.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import { moveTargets, streamSegments } from "./compress_drafts.ts";
import type { StreamName } from "./compress_drafts.ts";
import { whole } from "./draft.ts";
import type { PlanInputs } from "./plan_inputs.ts";
import { reserveRings } from "./query_rings.ts";
import type { QueryRings } from "./query_rings.ts";
import type { Step } from "./step.ts";
import { inKernelSpelling } from "./tables.ts";
import { wholeRows } from "./whole_rows.ts";

/** Buffers that any compression needs beside the cache. */
export interface CompressBuffers {
  /** u32 [nKvHeads, pageEntries]: the pages that rows are moved from. */
  readonly src_pages: DeviceBuffer;
  /**
   * u32 [nLayers, nKvHeads, 4] of each stream whose older rows are compressed: for the rows of every
   * compressed segment, for those that stay whole, and for the first ones that always do.
   */
  readonly moves: Readonly<Record<StreamName, readonly DeviceBuffer[] | null>>;
}

/** Buffers that the choice of bits per channel needs, for one layer but the scores. */
export interface BitsBuffers {
  /** f32 [nSlots, nLayers, nKvHeads, headDim] */
  readonly scores: DeviceBuffer;
  /** f32 [nKvHeads, nKeyLists, headDim, 3] */
  readonly losses: DeviceBuffer;
  /** f32 [nKvHeads, nKeyLists, headDim] */
  readonly means: DeviceBuffer;
  /** u32 [nKvHeads, nKeyLists] */
  readonly due_counts: DeviceBuffer;
  /** u32 [nKvHeads, nKeyLists, 2] */
  readonly class_counts: DeviceBuffer;
  readonly tables: Record<string, BufferSlice>;
}

/** Buffers that the pruning of a stream's channels needs. */
export interface PruneBuffers {
  /** f32 [nSlots, nLayers, nKvHeads, headDim] */
  readonly scores: DeviceBuffer;
  /** u32 [nLayers, nKvHeads] */
  readonly widths: DeviceBuffer;
  /** u32 [nLayers, nKvHeads, 4]: 0, headDim, channels to keep, 0; read where scores say what is enough. */
  readonly cuts: DeviceBuffer;
  /** f32 [nHeads, window, headDim], where values are scored: what attention makes for the window. */
  readonly outputs: DeviceBuffer | null;
  readonly tables: Record<string, BufferSlice>;
}

/** Buffers for the choice of rows that stay, or get more bits; for one layer but where they say nLayers. */
export interface EvictBuffers {
  /** u32 [nLayers, nKvHeads, 4]: rows with a channel list, rows, rows to keep, 0. */
  readonly cuts: DeviceBuffer;
  /** The same with the rows that a head keeps before heads share what they keep. */
  readonly floor_cuts: DeviceBuffer;
  /** f32 [nHeads, window, 2] */
  readonly window_sums: DeviceBuffer;
  /** f32 [nKvHeads, headDim + 16] */
  readonly anchors: DeviceBuffer;
  /** f32 [nHeads or nKvHeads, nCtx] */
  readonly row_scores: DeviceBuffer;
  /** f32 [nKvHeads, nCtx] */
  readonly token_scores: DeviceBuffer;
  /** f32 [nKvHeads, nCtx], u32 of the same shape: where rows are chosen in blocks. */
  readonly block_scores: DeviceBuffer;
  readonly block_starts: DeviceBuffer;
  /** u32 [nKvHeads, nCtx] */
  readonly kept: DeviceBuffer;
  /** u32 [nLayers, nKvHeads, 2] */
  readonly kept_counts: DeviceBuffer;
  /** f32 [nHeads, nCtx] */
  readonly expected_logits: DeviceBuffer;
  /** f32 [nHeads, 2] */
  readonly expected_sums: DeviceBuffer;
  /** f32 [nRows, nHeads, 2]: of each row of a step its largest logit and its sum of weights. */
  readonly row_softmax: DeviceBuffer;
  /** u32 [nKvHeads, nCtx]: rows in the order of their classes, where they have any. */
  readonly order: DeviceBuffer;
}

/** Everything a plan allocates beside weights and cache. */
export interface PlanBuffers {
  readonly activations: Record<ActivationName, DeviceBuffer>;
  readonly step: Record<Exclude<keyof Step, "step">, DeviceBuffer>;
  readonly rings: QueryRings;
  /** f32 [nSlots, nLayers, nHeads, headDim + 2, headDim]; null: nobody reads moments of queries. */
  readonly moments: DeviceBuffer | null;
  readonly compress: CompressBuffers | null;
  readonly prune: Readonly<Record<StreamName, PruneBuffers | null>>;
  readonly bits: BitsBuffers | null;
  readonly evict: EvictBuffers | null;
  /**
   * u32 [nSlots, nLayers, nKvHeads, 2·nSegments]: as `heads`, of the segments whose rows leave as they are; null
   * where all do or no row is evicted.
   */
  readonly wholeHeads: DeviceBuffer | null;
  readonly attentionTables: Record<string, BufferSlice>;
  readonly evictTables: Record<string, BufferSlice>;
  readonly classTables: Record<string, BufferSlice>;
  readonly rope: DeviceBuffer;
}

/** Bytes of a slot's moments of queries. */
export const momentBytes = ({ nLayers, nHeads, headDim }: LlamaConfig): number =>
  4 * nLayers * nHeads * (headDim + 2) * headDim;

/** Allocates a plan's buffers and fills those that never change. */
export function allocateBuffers(device: Device, inputs: PlanInputs): PlanBuffers {
  const { config, tokens, channels, valueChannels, classes, bits, cache, limits, attention } =
    inputs;
  const { rope } = inputs;
  const { nSlots, nLayers, nKvHeads, headDim, layout } = cache.shape;
  const nKeySegments = layout.key.segments.length;
  const nLists = nKvHeads * cache.nKeyLists;
  const upload = (name: string, data: Float32Array | Uint32Array) => {
    const buffer = device.allocate(Math.max(4, data.byteLength), name);
    device.write(buffer, data);
    return buffer;
  };
  const tables = (values: Readonly<Record<string, Float32Array | Uint32Array>>) =>
    inKernelSpelling(
      Object.fromEntries(Object.entries(values).map(([n, data]) => [n, whole(upload(n, data))])),
    );
  const list = () => device.allocate(nLayers * nKvHeads * 16, "moves");
  const listsOf = (stream: StreamName) => {
    const segments = streamSegments(cache, stream);
    return segments && moveTargets(segments, classes).map(list);
  };
  const moves = { key: listsOf("key"), value: listsOf("value") };
  const words = (n: number, name: string) => device.allocate(4 * Math.max(1, n), name);
  const rows = wholeRows(cache);
  const inBlocks = (tokens?.blockRows ?? 1) > 1;
  const windows = [channels ?? bits, valueChannels, tokens, classes]
    .map((step) => step?.window ?? 0);
  const pruneBuffers = (plan: ChannelsPlan | null): PruneBuffers | null =>
    plan && {
      scores: device.allocate(4 * nSlots * nLayers * nKvHeads * headDim, "scores"),
      widths: upload("widths", plan.widths),
      cuts: words(nLayers * nKvHeads * 4, "channel_cuts"),
      outputs: plan.of === "value" ? words(config.nHeads * plan.window * headDim, "outputs") : null,
      tables: tables(plan.tables),
    };
  return {
    activations: allocateAll(device, activationSizes(config, limits, nKeySegments)),
    step: allocateAll(device, stepSizes(limits)),
    moments: tokens?.moments ? device.reserve(nSlots * momentBytes(config), "moments") : null,
    rings: reserveRings(device, windows, { ...config, nSlots }),
    compress: tokens === null && !moves.key && !moves.value ? null : {
      src_pages: words(nKvHeads * cache.pageEntries, "src_pages"),
      moves,
    },
    evict: tokens === null && classes === null ? null : {
      cuts: words(nLayers * nKvHeads * 4, "cuts"),
      floor_cuts: words(nLayers * nKvHeads * 4, "floor_cuts"),
      window_sums: words(config.nHeads * Math.max(...windows) * 2, "window_sums"),
      anchors: words(nKvHeads * (headDim + 16), "anchors"),
      row_scores: words(config.nHeads * limits.nCtx, "row_scores"),
      token_scores: words(nKvHeads * limits.nCtx, "token_scores"),
      block_scores: words(inBlocks ? nKvHeads * limits.nCtx : 0, "block_scores"),
      block_starts: words(inBlocks ? nKvHeads * limits.nCtx : 0, "block_starts"),
      kept: words(nKvHeads * limits.nCtx, "kept"),
      kept_counts: words(nLayers * nKvHeads * 2, "kept_counts"),
      expected_logits: words(tokens?.moments ? config.nHeads * limits.nCtx : 0, "expected_logits"),
      expected_sums: words(config.nHeads * 2, "expected_sums"),
      row_softmax: words(layout.rowSums ? limits.nRows * config.nHeads * 2 : 0, "row_softmax"),
      order: words(classes === null ? 0 : nKvHeads * limits.nCtx, "order"),
    },
    wholeHeads: tokens === null || !rows.isPart
      ? null
      : words(nSlots * nLayers * nKvHeads * 2 * rows.segments.length, "whole_heads"),
    prune: { key: pruneBuffers(channels), value: pruneBuffers(valueChannels) },
    bits: bits === null ? null : {
      scores: words(nSlots * nLayers * nKvHeads * headDim, "scores"),
      losses: words(nLists * headDim * 3, "losses"),
      means: words(nLists * headDim, "means"),
      due_counts: words(nLists, "due_counts"),
      class_counts: words(nLists * 2, "class_counts"),
      tables: tables(bits.tables),
    },
    attentionTables: tables(attention.tables),
    evictTables: tables(tokens?.tables ?? {}),
    classTables: tables(classes?.tables ?? {}),
    rope: upload("rope", rope),
  };
}
