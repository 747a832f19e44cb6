/**
 * Rows that keep channels of their own: as many as the head says, those that are worth most to the row, and
 * their elements. A channel may be another one only where what both are worth differs by roundings.
 */

import { thinRowReference } from "../reference/set_rows.ts";
import { rowOf, setOf } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { HeadMove } from "./moved_rows.ts";
import { firstHead } from "./ring_stage.ts";
import { segmentsOf, stored } from "./written_cache.ts";

/** What a channel is worth is rounded three times, and twice more where it is fused. */
const NEAR_TIE = 8 * 2 ** -24;

/** Holds rows that were thinned to the choice of the scores and fills that were given. */
export function measureThinned(
  state: CacheState,
  next: CacheState,
  { moves, scores }: {
    readonly moves: readonly HeadMove[];
    /** f32 [nSlots, nLayers, nKvHeads, headDim] */
    readonly scores: Float32Array | null;
  },
): Measurement[] {
  const { headDim, cache: { fills } } = state;
  if (moves.length === 0 || scores === null || fills === null) return [];
  const chosen = { got: [] as number[], want: [] as number[] };
  const elements = { got: [] as number[], want: [] as number[] };
  let nearTies = 0;
  for (const { kvHead, from, to, before, rows, stored: { channels } } of moves) {
    const start = (firstHead(N_KV_HEADS) + kvHead) * headDim;
    const own = {
      scores: scores.subarray(start, start + headDim),
      fills: fills.subarray(start, start + headDim),
      width: channels.length,
    };
    const segment = segmentsOf(next.cache.layout)[to]!;
    rows.forEach((row, i) => {
      const key = rowOf(state.cache, { kvHead, index: from, row, width: headDim });
      const at = { kvHead, index: to, row: before + i, width: own.width };
      const set = setOf(next.cache, at);
      const worth = key.map((k, c) => own.scores[c]! * (k - own.fills[c]!) ** 2);
      const kept = thinRowReference(key, own);
      const cut = Math.min(...kept.map((c) => worth[c]!));
      const isNear = (c: number) => Math.abs(worth[c]! - cut) <= NEAR_TIE * cut;
      for (let c = 0; c < headDim; c++) {
        const [got, want] = [set.channels.includes(c), kept.includes(c)];
        const isTie = got !== want && isNear(c);
        nearTies += Number(isTie);
        chosen.got.push(Number(got));
        chosen.want.push(Number(isTie ? got : want));
      }
      elements.got.push(...set.elements);
      const wanted = set.channels.map((c) => stored(key[c]!, segment));
      elements.want.push(...set.elements.map((_, i) => wanted[i] ?? NaN));
    });
  }
  const [all, some] = [chosen.got.length, elements.got.length];
  return [
    { kernel: "thin rows", dims: [{ name: "channel of rows", size: all }], ...chosen, nearTies },
    { kernel: "thin rows", dims: [{ name: "kept element", size: some }], ...elements },
  ];
}
