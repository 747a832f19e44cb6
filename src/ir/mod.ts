/** The expression IR: what the front end makes, the passes rewrite and the emitters print. */
export * from "./builder.ts";
export * from "./interpret.ts";
export * from "./operands.ts";
export * from "./ops.ts";
export * from "./passes/mod.ts";
export * from "./print.ts";
export type * from "./types.ts";
export * from "./value.ts";
export * from "./verify.ts";
