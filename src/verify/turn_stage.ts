/**
 * Remembered queries where rows leave a cache whose keys are rotated by their places: each is turned back by as
 * many places as rows leave before it, and nothing else is written.
 */

import { cacheBuffers } from "./cache_state.ts";
import { turnedBack } from "./keep_stage.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { firstHead } from "./ring_stage.ts";
import type { Ring, Rings } from "./ring_stage.ts";
import type { ChosenRows } from "./select_rows_stage.ts";
import { tokenPool } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { AT } from "./written_cache.ts";

/** Turns the rings of a layer that loses rows; as they are where keys stay at their positions. */
export async function turnRings(
  stage: TokenStage,
  chosen: ChosenRows,
  { rings, run }: { readonly rings: Rings; readonly run: RunNamed },
): Promise<{ rings: Rings; measurements: Measurement[] }> {
  if (stage.cache.layout.positions === "true") return { rings, measurements: [] };
  const measurements: Measurement[] = [];
  const next = new Map<number, Ring>();
  for (const [window, ring] of rings) {
    const turned = await turnRing(stage, chosen, { ring, run });
    measurements.push(turned.measurement);
    next.set(window, turned.ring);
  }
  return { rings: next, measurements };
}

async function turnRing(
  stage: TokenStage,
  { kept, buffers, cuts }: ChosenRows,
  { ring, run }: { readonly ring: Ring; readonly run: RunNamed },
): Promise<{ ring: Ring; measurement: Measurement }> {
  const { problem: { rope, shape: { group, headDim } }, state, heads, cache } = stage;
  const { window, buffer } = ring;
  const nWindow = Math.min(window, state.nTokens);
  const pool = tokenPool(stage);
  const { q_ring } = await run("turn_queries", {
    ...pool,
    buffers: { ...cacheBuffers(cache), ...buffers, cuts, rope, q_ring: buffer },
    constants: {
      ...pool.constants,
      ...{ window, n_window: nWindow, value_page: cache.firstPages.at(-1)! },
    },
  });
  const want = Float64Array.from(buffer);
  const bound = new Float64Array(buffer.length);
  const placeAt = (head: number, place: number) =>
    ((firstHead(ring.heads.length) + head) * window + place) * headDim;
  const turned = ring.heads.map(({ places, seen }, head) => {
    const kvHead = Math.floor(head / group);
    const now = [...places];
    for (let position = state.nTokens - nWindow; position < state.nTokens; position++) {
      const before = heads[kvHead]!.positions!.filter((own) => own <= position).length;
      const back = before - kept[kvHead]!.filter((row) => row < before).length;
      const [place, at] = [position % window, placeAt(head, position % window)];
      if (back > 0) {
        turnedBack([...buffer.subarray(at, at + headDim)], rope.subarray(back * headDim))
          .forEach(({ value, error }, c) => [want[at + c], bound[at + c]] = [value, error]);
      }
      now[place] = q_ring.slice(at, at + headDim);
    }
    return { places: now, seen };
  });
  const dims = [
    { name: "slot", size: AT.nSlots },
    { name: "layer", size: AT.nLayers },
    { name: "head", size: ring.heads.length },
    { name: "row", size: window },
    { name: "channel", size: headDim },
  ];
  return {
    ring: { window, buffer: q_ring, heads: turned },
    measurement: { kernel: "turn queries", dims, got: q_ring, want, bound },
  };
}
