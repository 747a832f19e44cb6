/**
 * Decode attention alone: one row over a long cache, dense or pruned, as the engine stores it. Rows come
 * into the cache by the engine's own append and leave channels by its own compression; timed are the kernels
 * of the last row's attention, of as many layers as are needed to leave the GPU's caches.
 */

import type { Device } from "../../src/device/mod.ts";
import { whole } from "../../src/engine/draft.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { slotDenseBytes, slotStoredBytes } from "../../src/engine/cache_bytes.ts";
import { stepDrafts } from "../../src/engine/plan.ts";
import { buildStep } from "../../src/engine/step.ts";
import type { StepSequence } from "../../src/engine/step.ts";
import { seeded } from "../../src/model/testing_weights.ts";
import { randomModel } from "./random_model.ts";
import type { BenchShape } from "./shapes.ts";
import { programMs, wallMs } from "./time.ts";

/** One cache, and its last row's attention. */
export interface AttentionResult {
  readonly shape: string;
  /** Rows of the cache, the last one's among them. */
  readonly context: number;
  /** Share of key channels pruned; 0: dense. */
  readonly ratio: number;
  /** Layers that were run together, one after the other. */
  readonly nLayers: number;
  /** Of one layer: partial softmaxes and their merge. */
  readonly ms: number;
  /** Of one layer's cache: what is read. */
  readonly storedBytes: number;
  /** The same rows uncompressed. */
  readonly denseBytes: number;
  readonly bytesPerSecond: number;
  /** Of one layer: scores, selection and compaction; 0 where nothing was pruned. */
  readonly compressMs: number;
  /** Largest difference from the answer. */
  readonly maxError: number;
}

/** What to measure. */
export interface AttentionOptions {
  readonly context: number;
  readonly ratio: number;
  /** Bytes of the dense cache that one run reads at least, as far as the model has layers. */
  readonly readBytes: number;
  readonly nRuns: number;
}

/** Rows appended in one step. */
const CHUNK_ROWS = 2048;

/**
 * Values (below 1) are the same in every row, so that any softmax gives them back whatever the keys are, which
 * are `verify`'s to check. What is off is rounding: of sums of 256 weights and of up to 512 merges, each
 * two roundings of 2⁻²⁴; they partly cancel.
 */
const TOLERANCE = 2 * (256 + 512) * 2 ** -24;

/**
 * Measures one context.
 *
 * @throws {Error} the attention's output is wrong
 * @throws {KerfError} the device has not enough memory
 */
export async function measureAttention(
  open: () => Promise<Device>,
  shape: BenchShape,
  options: AttentionOptions,
): Promise<AttentionResult> {
  const { context, ratio, readBytes, nRuns } = options;
  const { nKvHeads, headDim } = shape.config;
  const layerBytes = 2 * 2 * nKvHeads * headDim * context;
  const nLayers = Math.min(shape.config.nLayers, Math.ceil(readBytes / layerBytes));
  // No matrix is used: the smallest there may be.
  const config = { ...shape.config, nLayers, dFf: 32, nVocab: 32, nCtx: context };
  const device = await open();
  try {
    const { engine } = await randomModel(device, { ...shape, config }, {
      prune: ratio === 0 ? "none" : `think:ratio=${ratio}`,
      nCtx: context,
      chunkSize: Math.min(CHUNK_ROWS, context),
      parallel: 1,
      // Outputs are compared as f32: with codes a CPU would store those.
      activations: "f32",
    });
    const slot = engine.cache.openSlot();
    const values = await fill(device, engine, { slot, nRows: context - 1 });
    const { activations } = engine.plan.buffers;
    const end = { buffer: activations.out, offset: 0, bytes: 4 * shape.config.nHeads * headDim };
    const compressMs = await wallMs(async () => {
      await engine.compress(slot);
      await device.read(end.buffer, 0, 4);
    });
    const last = { slot, position: context - 1, tokens: [0], logits: "none" } as const;
    const header = begin(device, engine, last);
    await device.run(programOf(device, engine, APPEND), header);
    const program = programOf(device, engine, DECODE);
    const out = await device.run(program, header, end);
    const maxError = largestError(new Float32Array(out.buffer, out.byteOffset), values, shape);
    if (!(maxError <= TOLERANCE)) {
      throw new Error(`attention over ${context} rows is off by ${maxError}: nothing was timed`);
    }
    engine.cache.advance(slot, 1);
    const ms = await programMs(device, { program, header, end, nRuns }) / nLayers;
    const storedBytes = slotStoredBytes(engine.cache, slot) / nLayers;
    return {
      ...{ shape: shape.name, context, ratio, nLayers, ms, storedBytes },
      denseBytes: slotDenseBytes(engine.cache, slot) / nLayers,
      bytesPerSecond: storedBytes / (ms / 1000),
      compressMs: ratio === 0 ? 0 : compressMs / nLayers,
      maxError,
    };
  } finally {
    device.close();
  }
}

const APPEND = /^append(_recording)?__/;
const DECODE = /^(attention_\w+_decode__|attention_merge$)/;

/** The kernels of every layer whose name matches. */
function programOf(device: Device, { plan, cache }: Engine, name: RegExp) {
  const x = whole(plan.buffers.activations.x);
  const drafts = stepDrafts(plan, { layers: cache.allLayers, x, output: "picks" });
  return device.prepare(plan.bind(drafts.filter(({ kernel }) => name.test(kernel))));
}

/** Room in the cache for a sequence's rows, and the step's arrays on the device. @returns the header */
function begin(device: Device, { plan, cache }: Engine, rows: Omit<StepSequence, "nSplits">) {
  const { slot, tokens } = rows;
  cache.reserveRows(slot, tokens.length);
  const { step, ...arrays } = buildStep([{
    ...rows,
    nSplits: cache.chunksOf(slot, tokens.length),
  }]);
  cache.sync();
  for (const [name, data] of Object.entries(arrays)) {
    if (data.length > 0) device.write(plan.buffers.step[name as keyof typeof arrays], data);
  }
  return step;
}

/** Appends random keys and constant values to every layer. @returns the values, [nKvHeads · headDim] */
async function fill(
  device: Device,
  engine: Engine,
  { slot, nRows }: { slot: number; nRows: number },
): Promise<Float32Array> {
  const { plan: { inputs: { config, limits }, buffers }, cache } = engine;
  const { nHeads, nKvHeads, headDim } = config;
  const random = seeded(7);
  // Halves hold them exactly.
  const values = Float32Array.from({ length: nKvHeads * headDim }, () => Math.f16round(random()));
  const row = (nHeads + 2 * nKvHeads) * headDim;
  const qkv = Float32Array.from({ length: limits.nRows * row }, (_, i) => {
    const value = i % row - (nHeads + nKvHeads) * headDim;
    return value < 0 ? 2 * random() - 1 : values[value]!;
  });
  device.write(buffers.activations.qkv, qkv);
  for (const { buffer } of buffers.rings.values()) device.commit(buffer, 0, buffer.bytes);
  const program = programOf(device, engine, APPEND);
  for (let at = 0; at < nRows; at += limits.nRows) {
    const tokens = Array<number>(Math.min(limits.nRows, nRows - at)).fill(0);
    const header = begin(device, engine, { slot, position: at, tokens, logits: "none" });
    await device.run(program, header);
    cache.advance(slot, tokens.length);
  }
  return values;
}

/** How far outputs are from the values of their KV heads; NaN counts as infinitely far. */
function largestError(out: Float32Array, values: Float32Array, { config }: BenchShape): number {
  const { nHeads, nKvHeads, headDim } = config;
  const group = nHeads / nKvHeads;
  const errors = Array.from({ length: nHeads * headDim }, (_, i) => {
    const kvHead = Math.floor(i / headDim / group);
    const error = Math.abs(out[i]! - values[kvHead * headDim + i % headDim]!);
    return Number.isNaN(error) ? Infinity : error;
  });
  return Math.max(...errors);
}
