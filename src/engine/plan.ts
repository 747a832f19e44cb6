/**
 * A plan: what a model, an attention variant, a pruning spec and a cache mean on a device, as compiled
 * kernels and prepared programs. Made once; a step only fills buffers and runs a program.
 */

import type { CompileProgress, Device, Invocation } from "../device/types.ts";
import type { BufferSlice, CompiledKernel, Program } from "../device/types.ts";
import { layoutName, mergeKernel } from "../layout/name.ts";
import { meetsRounded } from "../layout/types.ts";
import type { ActivationName } from "./activations.ts";
import { orderDrafts } from "./class_drafts.ts";
import type { LayerRange } from "./cache_shape.ts";
import { bitsDrafts } from "./choose_bits.ts";
import { moveDrafts, scoreDrafts, selectDrafts, streamSegments } from "./compress_drafts.ts";
import { bindDraft, whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { embeddingDrafts, headDrafts } from "./end_drafts.ts";
import type { HeadOutput } from "./end_drafts.ts";
import { kernelTexts } from "./kernel_texts.ts";
import { layerDrafts } from "./layer_drafts.ts";
import type { DraftContext } from "./draft_context.ts";
import { choiceDrafts, keepDrafts } from "./evict_drafts.ts";
import { expandDrafts, expandedStreams, maskedStreams } from "./expand_layer.ts";
import { allocateBuffers } from "./plan_buffers.ts";
import { poolOf } from "./plan_pool.ts";
import type { PlanBuffers } from "./plan_buffers.ts";
import type { PlanInputs } from "./plan_inputs.ts";
import { productAppend } from "./product_append.ts";
import { recordingOf } from "./query_rings.ts";
import { refreshes } from "./prune_layer.ts";
import { orderWholeDrafts } from "./restore_order.ts";
import { inKernelSpelling } from "./tables.ts";
import { markStage } from "../sys/startup_marks.ts";
import { packKernel } from "./weights.ts";

/** A plan. */
export interface Plan {
  readonly inputs: PlanInputs;
  readonly buffers: PlanBuffers;
  readonly context: DraftContext;
  /** Everything in one: embedding, layers, head; of rows that want logits only the likeliest tokens. */
  readonly step: Program;
  /** … with the logits themselves. */
  readonly logitsStep: Program;
  /** Binds drafts to compiled kernels. @throws {TypeError} a kernel was not compiled */
  bind(drafts: readonly Draft[]): Invocation[];
  /** Prepares drafts and runs them. */
  run(drafts: readonly Draft[], header?: Uint32Array): Promise<unknown>;
}

/**
 * The drafts of a range of layers; the embedding before the first, the head after the last. Each layer leaves
 * the next one's norm where it can, whether or not that one is in the range.
 */
export function stepDrafts(
  plan: { readonly inputs: PlanInputs; readonly context: DraftContext },
  options: { layers: LayerRange; x: BufferSlice; output: HeadOutput },
): Draft[] {
  const { config, weights } = plan.inputs;
  const { layers, x, output } = options;
  const drafts: Draft[] = [];
  if (layers.first === 0) {
    drafts.push(...embeddingDrafts(plan.context, { embedding: weights.embedding, x }));
  }
  for (let layer = layers.first; layer < layers.end; layer++) {
    const after = layer > layers.first ? weights.layers[layer - 1] : undefined;
    const next = weights.layers[layer + 1];
    drafts.push(...layerDrafts(plan.context, {
      ...{ layer, weights: weights.layers[layer]!, x },
      ...(after ? { after } : {}),
      ...(next ? { next } : {}),
    }));
  }
  if (layers.end === config.nLayers) {
    const { outputNorm: norm, head } = weights;
    drafts.push(...headDrafts(plan.context, { norm, head, x, output }));
  }
  return drafts;
}

/** Every kernel a plan may run: the step's, the compression's, the packing's. */
function kernelNames(inputs: PlanInputs, context: DraftContext, buffers: PlanBuffers): string[] {
  const x = context.activations.x;
  const { nLayers } = inputs.config;
  // A layer that runs alone begins with a norm.
  const ranges = Array.from({ length: nLayers }, (_, first) => ({ first, end: first + 1 }));
  const drafts = [{ first: 0, end: nLayers }, ...ranges]
    .flatMap((layers) => stepDrafts({ inputs, context }, { layers, x, output: "picks" }));
  const last = { first: nLayers - 1, end: nLayers };
  drafts.push(...stepDrafts({ inputs, context }, { layers: last, x, output: "logits" }));
  const at = { slot: 0, layer: 0 };
  if (inputs.tokens) {
    const place = { inputs, buffers };
    const eviction = { ...at, nWindow: 1, nTokens: 1, maxRows: 1 };
    drafts.push(...choiceDrafts(inputs.tokens, place, eviction), ...keepDrafts(place, eviction));
  }
  if (inputs.classes) {
    const due = { ...at, nTokens: 1, maxRows: 16 };
    drafts.push(...orderDrafts(inputs.classes, { inputs, buffers }, due));
  }
  for (const cut of [inputs.channels, inputs.valueChannels]) {
    const first = { ...at, nTokens: 1, masked: false };
    if (cut) {
      drafts.push(
        ...scoreDrafts(cut, buffers, inputs.cache, first),
        ...selectDrafts(cut, buffers, inputs.cache, first),
      );
    }
  }
  if (inputs.bits) {
    const rows = { nWindow: 1, nHeads: 1, maxRows: 16 };
    drafts.push(...bitsDrafts(inputs.bits, { inputs, buffers }, { ...at, ...rows }));
  }
  const move = { ...at, maxRows: [1, 1] } as const;
  for (const stream of ["key", "value"] as const) {
    if (streamSegments(inputs.cache, stream) === null) continue;
    drafts.push(...moveDrafts(buffers, inputs.cache, { ...move, stream }));
  }
  const expanded = [
    ...(inputs.tokens ? expandedStreams(inputs.cache) : []),
    ...(refreshes(inputs) ? maskedStreams(inputs.cache) : []),
  ];
  for (const stream of expanded) {
    drafts.push(...expandDrafts(buffers, inputs.cache, { ...move, stream }));
  }
  if (inputs.tokens && inputs.classes) {
    drafts.push(...orderWholeDrafts(buffers, inputs.cache, { ...at, maxRows: 1 }));
  }
  const unpacked = inputs.packs ? inputs.weights.matrices : [];
  const packs = unpacked.flatMap(({ parts }) =>
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
  const { config, cache, attention } = inputs;
  const buffers = allocateBuffers(device, inputs);
  const { rowSums } = cache.shape.layout;
  const context: DraftContext = {
    config,
    arithmetic: inputs.arithmetic,
    activations: Object.fromEntries(
      Object.entries(buffers.activations).map(([name, buffer]) => [name, whole(buffer)]),
    ) as Record<ActivationName, BufferSlice>,
    attention: {
      name: attention.name,
      params: inKernelSpelling(attention.params),
      tables: buffers.attentionTables,
    },
    layoutName: layoutName(cache.shape.layout),
    roundsAttention: inputs.arithmetic === "q8" && meetsRounded(cache.shape.layout),
    mergeKernel: mergeKernel(cache.shape.layout),
    rowSums,
    arenas: cache.table.arenas.map(whole),
    momentsSkip: inputs.tokens?.moments?.skip ?? null,
    recording: recordingOf(buffers.rings),
    appends: productAppend(cache.shape.layout, {
      ...{ headDim: config.headDim, readsQueries: Boolean(inputs.tokens?.moments) },
    }),
  };
  const names = kernelNames(inputs, context, buffers);
  markStage("plan: tables, buffers, drafts");
  const texts = await kernelTexts(names, { target: device.target });
  markStage("plan: kernels' texts");
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
  markStage("plan: compiled kernels");
  const kernels = new Map<string, CompiledKernel>(names.map((name, i) => [name, compiled[i]!]));
  const pool = poolOf(inputs, buffers);
  const bind = (drafts: readonly Draft[]) =>
    drafts.map((draft) => {
      const kernel = kernels.get(draft.kernel);
      if (kernel) return bindDraft(draft, kernel, pool);
      throw new TypeError(`Cannot bind kernel "${draft.kernel}": the plan did not compile it`);
    });
  const prepare = (output: HeadOutput) => {
    const whole = { layers: cache.allLayers, x: context.activations.x, output };
    return device.prepare(bind(stepDrafts({ inputs, context }, whole)));
  };
  // Greedy decoding never asks for it.
  let logitsStep: Program | undefined;
  return {
    inputs,
    buffers,
    context,
    step: prepare("picks"),
    get logitsStep() {
      return logitsStep ??= prepare("logits");
    },
    bind,
    run: (drafts, header = new Uint32Array(6)) => device.run(device.prepare(bind(drafts)), header),
  };
}
