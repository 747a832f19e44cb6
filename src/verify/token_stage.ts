/** What all kernels of a choice of rows are given: a cache, the last queries, which rows are chosen among. */

import { cacheBuffers } from "./cache_state.ts";
import type { CacheState } from "./cache_state.ts";
import type { SeenRows } from "./state_rows.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { KernelPool } from "./kernels.ts";
import type { PlannedRows } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import type { Ring } from "./ring_stage.ts";
import { AT, pageConstants } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";

/** A tile of keys: the rows that a kernel scores at a time. */
export const TILE_ROWS = 16;

/** The rows of a KV head that are chosen among. */
export interface Candidates {
  /** Place of the first among the head's rows. */
  readonly from: number;
  /** How many have scores. */
  readonly scored: number;
  /** How many of these are candidates or protected. */
  readonly rows: number;
  /** How many of those lie in a segment that lists channels. */
  readonly listed: number;
  /** How many are chosen, protected ones included. */
  readonly keep: number;
}

/** A choice of rows about to be made. */
export interface TokenStage {
  readonly problem: PruningProblem;
  readonly tokens: PlannedRows;
  readonly state: CacheState;
  /** The cache as kernels see it: of what is evicted, whole rows alone. */
  readonly cache: WrittenCache;
  /** Null: the step remembers no queries. */
  readonly ring: Ring | null;
  /** Rows of each KV head as the cache has them. */
  readonly heads: readonly SeenRows[];
  readonly candidates: readonly Candidates[];
  /** Rows of a list of them. */
  readonly maxRows: number;
  /** Tiles that are scored. */
  readonly nTiles: number;
}

/** Buffers and constants by name; a kernel takes those of its signature. */
export function tokenPool(stage: TokenStage) {
  const { problem: { shape: { group, headDim } }, tokens, state, ring, cache } = stage;
  return {
    defines: { HEAD_DIM: headDim, GROUP: group },
    buffers: {
      ...cacheBuffers(cache),
      ...tokens.values.tables,
      ...(ring ? { q_ring: ring.buffer } : {}),
    },
    constants: {
      ...tokens.values.constants,
      ...cache.constants,
      ...pageConstants(cache),
      ...{ slot: AT.slot, n_heads: group * N_KV_HEADS, n_kv_heads: N_KV_HEADS },
      ...{ window: tokens.window, n_window: Math.min(tokens.window, state.nTokens) },
      ...{ n_tokens: state.nTokens, scale: 1 / Math.sqrt(headDim), n_tiles: stage.nTiles },
      ...{ max_rows: stage.maxRows, protect_first: tokens.first, protect_last: tokens.last },
    },
  } satisfies KernelPool;
}
