/** The cache that kernel tests write by hand is the one that `verify` writes. */
export * from "../src/verify/written_cache.ts";
