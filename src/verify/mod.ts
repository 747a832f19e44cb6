/** Verification: every variant on every target against its author's function. */
export * from "./absent.ts";
export * from "./cases.ts";
export * from "./compare.ts";
export * from "./outcome.ts";
export * from "./result.ts";
export * from "./targets.ts";
export * from "./variants.ts";
export * from "./verify.ts";
