/**
 * From options to a model ready to generate: opens file and device, resolves attention and pruning, makes
 * the plan, packs the weights. Whatever fails on the way leaves nothing open.
 */

import { KerfError } from "../core/error.ts";
import { ACTIVATIONS, openDevice } from "../device/mod.ts";
import type { Activations, Device, DeviceKind } from "../device/mod.ts";
import type { CacheTypes } from "../layout/steps.ts";
import { chatTemplate } from "../model/chat.ts";
import type { ChatTemplate } from "../model/chat.ts";
import { llamaConfig } from "../model/config.ts";
import type { LlamaConfig } from "../model/config.ts";
import { resolveModel } from "../model/fetch.ts";
import type { FetchProgress } from "../model/fetch.ts";
import { readGguf } from "../model/gguf.ts";
import type { Gguf } from "../model/gguf.ts";
import { llamaTensors } from "../model/llama_tensors.ts";
import { readRopeFactors } from "../model/rope_table.ts";
import { createTokenizer } from "../model/tokenizer.ts";
import type { Tokenizer } from "../model/tokenizer.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { markStage } from "../sys/startup_marks.ts";
import { Admission } from "./admission.ts";
import { checkBudgetModel } from "./budget_model.ts";
import { Engine } from "./engine.ts";
import type { ModelWeights } from "./model_weights.ts";
import type { Plan } from "./plan.ts";
import { planModel, wholeAtLeast } from "./plan_model.ts";
import { prunePlan } from "./prune_plan.ts";
import type { PrunePlan } from "./prune_plan.ts";

/** What loading reports as it goes. */
export type LoadProgress =
  | ({ readonly stage: "fetch" } & FetchProgress)
  | { readonly stage: "compile"; readonly done: number; readonly total: number }
  | { readonly stage: "weights"; readonly done: number; readonly total: number }
  /** Something goes another way than usual, with what to do about it; the model is the same. */
  | { readonly stage: "notice"; readonly text: string };

/** How to load a model. Everything has a default. */
export interface LoadOptions {
  /** A path of a .gguf file or `hf:user/repo[:QUANT]`. Default: SmolLM2-135M-Instruct, fetched once. */
  readonly model?: string;
  /** A pruning spec. Default `none`. */
  readonly prune?: string;
  /** An attention spec. Default `causal`. */
  readonly attention?: string;
  /** Default f16 keys, f16 values. */
  readonly cacheTypes?: Partial<CacheTypes>;
  /** Default `cpu`. */
  readonly device?: DeviceKind;
  /** Opens the device in another way than by `device`; the model closes it. */
  readonly openDevice?: () => Promise<Device>;
  readonly threads?: number;
  /** Default: the model's. */
  readonly nCtx?: number;
  /** Hard limit of the cache in bytes. Default: none. */
  readonly kvMax?: number;
  /** Arithmetic of the matrix products. Default: the device's first. */
  readonly activations?: Activations;
  /** Rows of a step at most. Default 512. */
  readonly chunkSize?: number;
  /** Sequences at once at most. Default 8. */
  readonly parallel?: number;
  /** Rows of a step at most that give all their logits. Default: one a sequence. */
  readonly logitRows?: number;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

/** A loaded model's parts. */
export interface Loaded {
  readonly gguf: Gguf;
  readonly config: LlamaConfig;
  readonly engine: Engine;
  readonly plan: Plan;
  readonly prune: PrunePlan;
  readonly attention: string;
  readonly admission: Admission;
  readonly tokenizer: Tokenizer;
  /** Compiled on first use: a model without a template can still continue raw text. */
  readonly template: () => ChatTemplate;
  readonly chunkSize: number;
  /**
   * The same model under another pruning spec: on the same device, over the same packed weights, with a cache
   * of its own. The device is closed once, with any of them.
   *
   * @param kept as `prunePlan` takes it
   * @throws {KerfError} the spec is none, or there is no memory for it
   */
  readonly withPrune: (spec: string, kept?: Uint32Array) => Promise<Loaded>;
}

function checkActivations(asked: Activations | undefined, { kind, name }: Device): void {
  const known = ACTIVATIONS[kind];
  if (asked === undefined || known.includes(asked)) return;
  throw new KerfError(
    `Cannot multiply with ${asked} activations on ${name}: it has ${known.join(" and ")}`,
    { hint: `--activations ${known[0]}`, exitCode: 2 },
  );
}

/** Query heads of a KV head, and the channels that heads come in multiples of: the attention kernels'. */
const MAX_GROUP = 8;
const HEAD_MULTIPLE = 16;

function checkHeads({ path }: Gguf, { nHeads, nKvHeads, headDim }: LlamaConfig): void {
  const group = nHeads / nKvHeads;
  if (headDim % HEAD_MULTIPLE === 0 && group <= MAX_GROUP) return;
  const state = headDim % HEAD_MULTIPLE === 0
    ? `${group} query heads share a KV head, and at most ${MAX_GROUP} can`
    : `its heads have ${headDim} channels, no multiple of ${HEAD_MULTIPLE}`;
  throw new KerfError(`Cannot run "${path}": ${state}`, {
    hint: "choose another model, such as the default one: leave out -m",
  });
}

function contextOf(config: LlamaConfig, asked: number | undefined): number {
  const nCtx = wholeAtLeast("-c", asked ?? config.nCtx, 1);
  if (nCtx <= config.nCtx) return nCtx;
  throw new KerfError(
    `Cannot hold a context of ${nCtx} tokens: the model knows ${config.nCtx} positions`,
    { hint: `-c ${config.nCtx}`, exitCode: 2 },
  );
}

/**
 * Loads a model.
 *
 * @throws {KerfError} whatever stops it, with what to change
 */
export async function loadModel(options: LoadOptions = {}): Promise<Loaded> {
  const { onProgress, signal } = options;
  const path = await resolveModel(options.model, {
    cacheDir: cacheDir(),
    ...(signal ? { signal } : {}),
    ...(onProgress
      ? { onProgress: (p: FetchProgress) => onProgress({ stage: "fetch", ...p }) }
      : {}),
  });
  const gguf = await readGguf(path);
  const config = llamaConfig(gguf);
  checkHeads(gguf, config);
  const tensors = llamaTensors(gguf, config);
  markStage("model's header");
  const nCtx = contextOf(config, options.nCtx);
  const planOf = async (spec: string, kept?: Uint32Array) => {
    const plan = await prunePlan(spec, { ...config, nCtx }, kept);
    await checkBudgetModel(plan.budgets, path);
    return plan;
  };
  const prune = await planOf(options.prune ?? "none");
  markStage("pruning spec");
  const tokenizer = createTokenizer(gguf);
  markStage("tokenizer");
  const open = options.openDevice ?? (() =>
    openDevice({
      kind: options.device ?? "cpu",
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      signal,
    }));
  const device = await open();
  markStage("device");
  try {
    checkActivations(options.activations, device);
    const ropeFactors = tensors.ropeFactors && await readRopeFactors(gguf, tensors.ropeFactors);
    const parts = {
      path: gguf.path,
      config,
      tensors,
      nCtx,
      ...(ropeFactors ? { ropeFactors } : {}),
    };
    let template: ChatTemplate | undefined;
    const shared = { gguf, config, tokenizer, template: () => template ??= chatTemplate(gguf) };
    const loaded = async (prune: PrunePlan, weights?: ModelWeights): Promise<Loaded> => {
      const more = { prune, ...(weights ? { weights } : {}) };
      const { plan, chunkSize } = await planModel(device, { ...parts, ...more }, options);
      const { cache, attention } = plan.inputs;
      return {
        ...{ ...shared, engine: new Engine(device, plan), plan, prune, chunkSize },
        attention: attention.spec,
        admission: new Admission(cache, prune, options.kvMax ?? Infinity),
        withPrune: async (spec, kept) =>
          await loaded(await planOf(spec, kept), plan.inputs.weights),
      };
    };
    return await loaded(prune);
  } catch (error) {
    device.close();
    throw error;
  }
}
