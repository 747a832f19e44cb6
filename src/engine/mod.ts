/** The engine: plans, the KV cache, selection, sampling and generation. */
export * from "./generate_options.ts";
export * from "./generation.ts";
export * from "./load.ts";
export * from "./mask.ts";
export * from "./model.ts";
export * from "./prune_plan.ts";
export * from "./registry.ts";
export * from "./sampling.ts";
export * from "./sequence.ts";
export * from "./session.ts";
export * from "./spec.ts";
export * from "./sweep.ts";
