/** The cache that kernel tests write by hand, and read back, is the one that `verify` writes. */
import { ARENA_UNIT } from "../src/layout/mod.ts";

export * from "../src/verify/head_rows.ts";
export * from "../src/verify/written_cache.ts";
export * from "../src/verify/written_rows.ts";

/** The arena with zeros where one of the pages lies, up to the next one. */
export function withoutPage(arena: Uint8Array, pages: Uint32Array, page: number): Uint8Array {
  const next = pages.reduce((next, at) => at > page && at < next ? at : next, Infinity);
  return arena.slice().fill(0, ARENA_UNIT * page, ARENA_UNIT * next);
}
