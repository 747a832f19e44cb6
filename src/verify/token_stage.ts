/** What all kernels of an eviction are given: a cache of rows with positions, and the last queries. */

import type { CacheState } from "./cache_state.ts";
import { seenCache } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { KernelPool } from "./kernels.ts";
import type { PlannedTokens, PruningProblem } from "./pruning_case.ts";
import type { Ring } from "./ring_stage.ts";
import { AT, isKey } from "./written_cache.ts";
import type { HeadRows, WrittenCache } from "./written_cache.ts";

/** A tile of keys: the rows that a kernel scores at a time. */
const TILE_ROWS = 16;

/** An eviction about to happen. */
export interface TokenStage {
  readonly problem: PruningProblem;
  readonly tokens: PlannedTokens;
  readonly state: CacheState;
  /** Null: the step remembers no queries. */
  readonly ring: Ring | null;
  /** Rows of each KV head as the cache has them. */
  readonly heads: readonly HeadRows[];
}

/** Rows of the longest head. */
export const maxRowsOf = ({ state }: Pick<TokenStage, "state">): number =>
  Math.max(...state.heads.map(({ rows }) => rows));

/** Where the pages of each segment begin. */
export const pageConstants = ({ layout, firstPages }: WrittenCache): Record<string, number> =>
  Object.fromEntries(
    firstPages.map((page, i) => [
      isKey(layout, i) ? `key_page_${i}` : `value_page_${i - layout.key.segments.length}`,
      page,
    ]),
  );

/** Buffers and constants by name; a kernel takes those of its signature. */
export function tokenPool(stage: TokenStage) {
  const { problem: { shape: { group, headDim }, layout }, tokens, state, ring } = stage;
  const cache = seenCache(state);
  const maxRows = maxRowsOf(stage);
  return {
    defines: { HEAD_DIM: headDim, GROUP: group },
    buffers: {
      ...cache.buffers,
      ...tokens.values.tables,
      ...(ring ? { q_ring: ring.buffer } : {}),
    },
    constants: {
      ...tokens.values.constants,
      ...cache.constants,
      ...pageConstants(cache),
      ...{ slot: AT.slot, n_heads: group * N_KV_HEADS, n_kv_heads: N_KV_HEADS },
      ...{ window: tokens.window, n_window: Math.min(tokens.window, state.nTokens) },
      ...{ n_tokens: state.nTokens, scale: 1 / Math.sqrt(headDim) },
      // Each segment may end in a tile of its own.
      n_tiles: Math.ceil(maxRows / TILE_ROWS) + layout.key.segments.length - 1,
      ...{ max_rows: maxRows, protect_first: tokens.first, protect_last: tokens.last },
    },
  } satisfies KernelPool;
}
