/** The expression IR: what the front end makes, the passes rewrite and the emitters print. */
export * from "./builder.ts";
export * from "./ops.ts";
export type * from "./types.ts";
export * from "./value.ts";
