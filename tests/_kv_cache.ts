/** The cache that kernel tests write by hand, and read back, is the one that `verify` writes. */
export * from "../src/verify/head_rows.ts";
export * from "../src/verify/written_cache.ts";
export * from "../src/verify/written_rows.ts";
