/** Naive f64 loops that kernels are held to; they call the author's functions or the interpreter. */
export * from "./append.ts";
export * from "./arg_max.ts";
export * from "./attention.ts";
export * from "./attention_merge.ts";
export * from "./channel_scores.ts";
export * from "./codes.ts";
export * from "./embedding.ts";
export * from "./fma32.ts";
export * from "./hooks.ts";
export * from "./matmul.ts";
export * from "./move_rows.ts";
export * from "./pack.ts";
export * from "./packed.ts";
export * from "./rowwise.ts";
export * from "./select_channels.ts";
export * from "./select_rows.ts";
export * from "./token_scores.ts";
