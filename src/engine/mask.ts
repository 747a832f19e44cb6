/**
 * What a slot's compression kept, read back for people and tests.
 */

import { pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { HeadAt } from "./cache_shape.ts";
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

/** The true positions of a head's rows, ascending; null when they are all there. */
async function keptTokensOf({ cache, device }: Engine, at: HeadAt): Promise<number[] | null> {
  const rows = cache.rowsOf(at);
  if (!cache.shape.layout.rowPositions || rows === cache.tokensOf(at.slot)) return null;
  const positions: number[] = [];
  for (const { page, index } of cache.segments.filter(({ stream }) => stream === "value")) {
    const own = cache.sizeOf(at, index).rows;
    for (let p = 0; p < pageCount(own); p++) {
      const { buffer, offset } = cache.table.pageAt(
        cache.table.entryIndex({ ...at, entry: page + p }),
      );
      const bytes = await device.read(buffer, offset, 4 * Math.min(PAGE_ROWS, own - p * PAGE_ROWS));
      positions.push(...new Uint32Array(bytes.slice().buffer));
    }
  }
  return positions;
}

/** What the heads of a slot keep, per layer and KV head. */
export async function maskOf(engine: Engine, slot: number): Promise<MaskLayer[]> {
  const layers = await keptChannelsOf(engine, slot);
  const { nKvHeads } = engine.cache.shape;
  const masks: MaskLayer[] = [];
  for (const [layer, { heads }] of layers.entries()) {
    const own: MaskHead[] = [];
    for (const [kvHead, head] of heads.entries()) {
      const at = { slot, head: layer * nKvHeads + kvHead };
      own.push({ ...head, keptTokens: await keptTokensOf(engine, at) });
    }
    masks.push({ heads: own });
  }
  return masks;
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
