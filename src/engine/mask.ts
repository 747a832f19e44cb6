/**
 * What a slot's compression kept, read back for people and tests.
 */

import type { Engine } from "./engine.ts";
import { keySegments } from "./compress_drafts.ts";

/** What one head keeps; null: everything. */
export interface MaskHead {
  /** Ascending, in half-split RoPE order: c and c + headDim/2 form a pair. */
  readonly keptChannels: readonly number[] | null;
  readonly keptValueChannels: readonly number[] | null;
  readonly keptTokens: readonly number[] | null;
}

/** The KV heads of one layer. */
export interface MaskLayer {
  readonly heads: readonly MaskHead[];
}

/** The kept channels of a slot, per layer and KV head. */
export async function keptChannelsOf(engine: Engine, slot: number): Promise<MaskLayer[]> {
  const { cache, device } = engine;
  const { nLayers, nKvHeads, headDim } = cache.shape;
  const whole: MaskHead = { keptChannels: null, keptValueChannels: null, keptTokens: null };
  const perSlot = cache.nHeadsPerSlot * headDim;
  const bytes = cache.channels &&
    await device.read(cache.channels, 4 * slot * perSlot, 4 * perSlot);
  const lists = bytes && new Uint32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, perSlot);
  const headOf = (head: number): MaskHead => {
    if (!lists) return whole;
    const { rows, width } = cache.sizeOf({ slot, head }, keySegments(cache).list.index);
    if (rows === 0) return whole;
    return { ...whole, keptChannels: [...lists.subarray(head * headDim, head * headDim + width)] };
  };
  return Array.from({ length: nLayers }, (_, layer) => ({
    heads: Array.from({ length: nKvHeads }, (_, i) => headOf(layer * nKvHeads + i)),
  }));
}
