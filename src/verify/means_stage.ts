/** What channels of keys read as that a row lacks: their means over whole keys. */

import { layoutName } from "../layout/name.ts";
import { seenCache } from "./cache_state.ts";
import { headRows } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import { meanOf } from "./coding_losses_stage.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { firstHead } from "./ring_stage.ts";
import { AT } from "./written_cache.ts";

/** What a place holds that no kernel wrote. */
const UNTOUCHED = -7;

/** Takes the means of a cache's keys, none of which lacks a channel yet. */
export async function keyMeans(
  state: CacheState,
  run: RunNamed,
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { headDim } = state;
  const cache = seenCache(state);
  const full = cache.layout.key.segments.length - 1;
  const { fills } = await run(`key_means__${layoutName(cache.layout)}`, {
    defines: { HEAD_DIM: headDim },
    buffers: {
      ...cache.buffers,
      fills: new Float32Array(AT.nSlots * AT.nLayers * N_KV_HEADS * headDim).fill(UNTOUCHED),
    },
    constants: {
      ...cache.constants,
      ...{ slot: AT.slot, n_kv_heads: N_KV_HEADS, key_page: cache.firstPages[full]! },
    },
  });
  const want = new Float64Array(fills.length).fill(UNTOUCHED);
  const bound = new Float64Array(fills.length);
  for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
    const { keys } = headRows(state, kvHead);
    for (let c = 0; c < headDim; c++) {
      const at = (firstHead(N_KV_HEADS) + kvHead) * headDim + c;
      const { value, error } = meanOf(keys.map((key) => key[c]!));
      [want[at], bound[at]] = [value, error];
    }
  }
  const dims = [
    { name: "head of all layers", size: fills.length / headDim },
    { name: "channel", size: headDim },
  ];
  return {
    state: { ...state, cache: { ...state.cache, fills } },
    measurements: [{ kernel: "key means", dims, got: fills, want, bound }],
  };
}
