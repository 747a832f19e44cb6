/**
 * A plan: what a model, an attention variant, a pruning spec and a cache mean on a device, as compiled
 * kernels and prepared programs. Made once; a step only fills buffers and runs a program.
 */

import type { CompileProgress, Device, DeviceBuffer, Invocation } from "../device/types.ts";
import type { BufferSlice, CompiledKernel, Program } from "../device/types.ts";
import { layoutName } from "../layout/name.ts";
import type { LlamaConfig } from "../model/config.ts";
import { activationSizes, allocateAll, stepSizes } from "./activations.ts";
import type { ActivationName, StepLimits } from "./activations.ts";
import type { AttentionPlan } from "./attention_plan.ts";
import type { KvCache, LayerRange } from "./cache.ts";
import { compressDrafts, scoreDrafts } from "./compress_drafts.ts";
import { bindDraft, whole } from "./draft.ts";
import type { Draft, Pool } from "./draft.ts";
import { kernelTexts } from "./kernel_texts.ts";
import { embeddingDrafts, headDrafts, layerDrafts } from "./layer_drafts.ts";
import type { DraftContext } from "./layer_drafts.ts";
import type { ModelWeights } from "./model_weights.ts";
import type { ChannelsPlan } from "./prune_plan.ts";
import type { Step } from "./step.ts";
import { inKernelSpelling } from "./tables.ts";
import { packKernel } from "./weights.ts";

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

/** A plan. */
export interface Plan {
  readonly inputs: PlanInputs;
  readonly buffers: PlanBuffers;
  readonly context: DraftContext;
  /** Everything in one: embedding, layers, head. */
  readonly step: Program;
  /** Binds drafts to compiled kernels. @throws {TypeError} a kernel was not compiled */
  bind(drafts: readonly Draft[]): Invocation[];
  /** Prepares drafts and runs them to their end. */
  run(drafts: readonly Draft[], header?: Uint32Array): Promise<void>;
}

/** The drafts of a range of layers; the embedding before the first, the head after the last. */
export function stepDrafts(
  plan: { readonly inputs: PlanInputs; readonly context: DraftContext },
  options: { layers: LayerRange; x: BufferSlice },
): Draft[] {
  const { config, weights } = plan.inputs;
  const { layers, x } = options;
  const drafts: Draft[] = [];
  if (layers.first === 0) {
    drafts.push(...embeddingDrafts(plan.context, { embedding: weights.embedding, x }));
  }
  for (let layer = layers.first; layer < layers.end; layer++) {
    drafts.push(...layerDrafts(plan.context, { layer, weights: weights.layers[layer]!, x }));
  }
  if (layers.end === config.nLayers) {
    const { outputNorm: norm, head } = weights;
    drafts.push(...headDrafts(plan.context, { norm, head, x }));
  }
  return drafts;
}

function allocateBuffers(device: Device, inputs: PlanInputs): PlanBuffers {
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
function poolOf({ config, cache, channels, limits }: PlanInputs, buffers: PlanBuffers): Pool {
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
      ...slices({ rope: buffers.rope, arena: cache.table.arena, heads: cache.heads }),
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

/** Every kernel a plan may run: the step's, the compression's, the packing's. */
function kernelNames(inputs: PlanInputs, context: DraftContext, buffers: PlanBuffers): string[] {
  const x = context.activations.x;
  const all = { first: 0, end: inputs.config.nLayers };
  const drafts = stepDrafts({ inputs, context }, { layers: all, x });
  if (inputs.channels) {
    const at = { slot: 0, layer: 0, nWindow: 1 };
    drafts.push(...scoreDrafts(inputs.channels, buffers, inputs.cache, at));
    drafts.push(...compressDrafts(buffers, inputs.cache, at));
  }
  const packs = inputs.weights.matrices.flatMap(({ parts }) =>
    parts.map(({ tensor }) => packKernel(tensor.storage.name))
  );
  return [...new Set([...drafts.map(({ kernel }) => kernel), ...packs])];
}

/**
 * Makes a plan: allocates its buffers, compiles its kernels, prepares the step's program.
 *
 * @throws {KerfError} there is not enough memory, or a kernel does not compile
 */
export async function makePlan(
  device: Device,
  inputs: PlanInputs,
  onCompile?: (progress: CompileProgress) => void,
): Promise<Plan> {
  const { config, cache, attention, channels } = inputs;
  const buffers = allocateBuffers(device, inputs);
  const context: DraftContext = {
    config,
    activations: Object.fromEntries(
      Object.entries(buffers.activations).map(([name, buffer]) => [name, whole(buffer)]),
    ) as Record<ActivationName, BufferSlice>,
    attention: {
      name: attention.name,
      params: inKernelSpelling(attention.params),
      tables: buffers.attentionTables,
    },
    layoutName: layoutName(cache.shape.layout),
    recordsQueries: channels !== null,
  };
  const names = kernelNames(inputs, context, buffers);
  const texts = await kernelTexts(names, { target: device.target });
  const values: Record<string, number> = {
    HEAD_DIM: config.headDim,
    GROUP: config.nHeads / config.nKvHeads,
  };
  const compiled = await device.compile(
    texts.map(({ entry, text }) => ({
      entry,
      text,
      defines: Object.fromEntries(entry.signature.defines.map((name) => [name, values[name]!])),
    })),
    onCompile,
  );
  const kernels = new Map<string, CompiledKernel>(names.map((name, i) => [name, compiled[i]!]));
  const pool = poolOf(inputs, buffers);
  const bind = (drafts: readonly Draft[]) =>
    drafts.map((draft) => {
      const kernel = kernels.get(draft.kernel);
      if (kernel) return bindDraft(draft, kernel, pool);
      throw new TypeError(`Cannot bind kernel "${draft.kernel}": the plan did not compile it`);
    });
  const all = stepDrafts({ inputs, context }, {
    layers: cache.allLayers,
    x: context.activations.x,
  });
  return {
    inputs,
    buffers,
    context,
    step: device.prepare(bind(all)),
    bind,
    run: (drafts, header = new Uint32Array(6)) => device.run(device.prepare(bind(drafts)), header),
  };
}
