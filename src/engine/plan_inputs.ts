/** What a plan is made from: a model, what is decided about its attention and pruning, a cache, limits. */

import type { Activations } from "../device/activations.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { StepLimits } from "./activations.ts";
import type { AttentionPlan } from "./attention_plan.ts";
import type { KvCache } from "./cache.ts";
import type { ChannelBitsPlan } from "./channel_bits_plan.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import type { ModelWeights } from "./model_weights.ts";
import type { RowClassesPlan } from "./row_classes_plan.ts";
import type { TokensPlan } from "./tokens_plan.ts";

/** What a plan is made from. */
export interface PlanInputs {
  readonly config: LlamaConfig;
  readonly weights: ModelWeights;
  /** Whether the weights are still to be packed, by kernels of this plan. */
  readonly packs: boolean;
  /** Arithmetic of the matrix products. */
  readonly arithmetic: Activations;
  readonly attention: AttentionPlan;
  readonly tokens: TokensPlan | null;
  readonly channels: ChannelsPlan | null;
  readonly bits: ChannelBitsPlan | null;
  readonly classes: RowClassesPlan | null;
  readonly valueChannels: ChannelsPlan | null;
  readonly cache: KvCache;
  readonly limits: StepLimits;
  /** f32 [nCtx, headDim], and rows beyond where moments of queries are rotated to positions to come. */
  readonly rope: Float32Array;
}
