/**
 * From a model's sizes and tensors to a plan on an open device, its weights packed, or as the cache has them
 * from an earlier start. Knows where tensors are read only by a function, and nothing of tokens' texts.
 */

import { KerfError } from "../core/error.ts";
import { ACTIVATIONS } from "../device/activations.ts";
import type { Device } from "../device/types.ts";
import { layoutOf } from "../layout/make.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { LlamaTensors } from "../model/llama_tensors.ts";
import { ropeTable } from "../model/rope_table.ts";
import { markStage } from "../sys/startup_marks.ts";
import { attentionPlan } from "./attention_plan.ts";
import { KvCache } from "./cache.ts";
import type { LoadOptions } from "./load.ts";
import { matrixTensors, packingsOf, packWeights, placeWeights } from "./model_weights.ts";
import type { ModelWeights } from "./model_weights.ts";
import { makePlan } from "./plan.ts";
import type { Plan } from "./plan.ts";
import type { PrunePlan } from "./prune_plan.ts";
import type { ReadTensor } from "./weights.ts";
import {
  hasWeightsFile,
  orUnkept,
  readWeightsFile,
  saveWeightsFile,
  weightsFile,
  whileFilled,
} from "./weights_file.ts";

/** A model without its words. */
export interface ModelParts {
  /** The file that the tensors' offsets count in. */
  readonly path: string;
  readonly config: LlamaConfig;
  readonly tensors: LlamaTensors;
  /** Default: from the file. */
  readonly readTensor?: ReadTensor;
  /** f32 [headDim/2]: Llama 3's. */
  readonly ropeFactors?: Float32Array;
  readonly prune: PrunePlan;
  /** Of another plan on the same device: nothing is read or packed. Default: the file's. */
  readonly weights?: ModelWeights;
  /** Positions of a sequence at most. */
  readonly nCtx: number;
}

/** What of the options for loading shapes a plan. */
export type PlanOptions = Pick<
  LoadOptions,
  "activations" | "attention" | "cacheTypes" | "chunkSize" | "parallel" | "logitRows" | "onProgress"
>;

const DEFAULT_CHUNK = 512;
const DEFAULT_PARALLEL = 8;

/** A number as it was given. @throws {KerfError} exit code 2: it is no whole number from `least` */
export function wholeAtLeast(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new KerfError(`Cannot use ${name} ${value}: it must be a whole number from ${least}`, {
    hint: `${name} ${least} or more`,
    exitCode: 2,
  });
}

/**
 * Plans a model and packs its weights.
 *
 * @returns the plan, and how many rows of a prompt a step takes
 * @throws {KerfError} there is not enough memory, or a kernel does not compile
 */
export async function planModel(
  device: Device,
  { path, config, tensors, ropeFactors, prune, nCtx, ...parts }: ModelParts,
  options: PlanOptions,
): Promise<{ plan: Plan; chunkSize: number }> {
  const { onProgress } = options;
  const nSlots = wholeAtLeast("parallel", options.parallel ?? DEFAULT_PARALLEL, 1);
  const chunkSize = Math.min(nCtx, wholeAtLeast("-ub", options.chunkSize ?? DEFAULT_CHUNK, 1));
  const nRows = Math.max(chunkSize, nSlots);
  const nLogits = Math.max(nSlots, Math.min(nRows, options.logitRows ?? 1));
  const limits = { nRows, nSeqs: nSlots, nLogits, nCtx };
  const types = { key: "f16", value: "f16", ...options.cacheTypes } as const;
  const { nLayers, nKvHeads, headDim } = config;
  const layout = layoutOf(prune.steps, types);
  const packingOf = await packingsOf(matrixTensors(tensors).map((t) => t.storage.name));
  const readTensor = parts.readTensor ?? (({ name }, range) => device.readFile(range, name));
  const weights = parts.weights ??
    await placeWeights(device, tensors, { config, packingOf, path, readTensor });
  const slices = weights.matrices.map(({ weight }) => weight);
  const inCache = <T>(use: () => Promise<T>) =>
    orUnkept(use, (text) => onProgress?.({ stage: "notice", text }));
  const file = parts.weights || parts.readTensor
    ? null
    : await inCache(() => weightsFile(path, weights.matrices, { device }));
  const isStored = file !== null && await hasWeightsFile(file);
  const isPacked = parts.weights !== undefined || isStored;
  markStage("weights placed");
  const filled = isStored ? readWeightsFile(device, file, slices) : Promise.resolve();
  const make = async () =>
    await makePlan(device, {
      config,
      weights,
      packs: !isPacked,
      arithmetic: options.activations ?? ACTIVATIONS[device.kind][0]!,
      attention: await attentionPlan(options.attention ?? "causal", { ...config, nCtx }),
      tokens: prune.tokens,
      channels: prune.channels,
      valueChannels: prune.valueChannels,
      bits: prune.bits,
      classes: prune.classes,
      cache: new KvCache(device, { layout, nSlots, nLayers, nKvHeads, headDim, nCtx }),
      limits,
      rope: ropeTable(config, {
        nCtx: nCtx + (prune.tokens?.moments?.ahead ?? 0),
        ...(ropeFactors ? { factors: ropeFactors } : {}),
      }),
    }, ({ done, total }) => onProgress?.({ stage: "compile", done, total }));
  const plan = await whileFilled(filled, make);
  markStage("plan: its program, weights read");
  if (!isPacked) {
    await packWeights(device, weights, {
      path,
      readTensor,
      run: plan.run,
      onProgress: (done, total) => onProgress?.({ stage: "weights", done, total }),
    });
    if (file) await inCache(() => saveWeightsFile(device, file, slices));
    markStage("weights packed");
  }
  return { plan, chunkSize };
}
