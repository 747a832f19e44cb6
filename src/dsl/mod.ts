/** What an author of a variant or kernel imports as `kerf/dsl`. */
export * from "./accumulator.ts";
export * from "./append.ts";
export * from "./attention.ts";
export * from "./bits.ts";
export * from "./embedding.ts";
export * from "./kernel.ts";
export * from "./layout.ts";
export * from "./matmul.ts";
export * from "./move_rows.ts";
export * from "./pairwise.ts";
export * from "./params.ts";
export * from "./pruning.ts";
export * from "./reduction.ts";
export * from "./reductions.ts";
export * from "./rowwise.ts";
export * from "./storage.ts";
export * from "./table.ts";
export type * from "./types.ts";
