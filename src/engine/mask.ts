/**
 * What a slot's compression kept, read back for people and tests.
 */

import { pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { HeadAt } from "./cache_shape.ts";
import type { Engine } from "./engine.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { StreamName } from "./compress_drafts.ts";

/** What one head keeps; null: everything. */
export interface MaskHead {
  /** Ascending, in half-split RoPE order: c and c + headDim/2 form a pair. */
  readonly keptChannels: readonly number[] | null;
  readonly keptValueChannels: readonly number[] | null;
  readonly keptTokens: readonly number[] | null;
  /** How many channels of its own each older key keeps, where rows have such; `keptChannels` is null then. */
  readonly keptChannelsPerRow?: number;
  /** Bits of each kept channel, where channels are coded in as many as they are worth. */
  readonly keptChannelBits?: readonly number[];
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
  // Rows may lie by class.
  return positions.sort((a, b) => a - b);
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
  const { nLayers, nKvHeads } = engine.cache.shape;
  const [keys, values] = [await listsOf(engine, slot, "key"), await listsOf(engine, slot, "value")];
  return Array.from({ length: nLayers }, (_, layer) => ({
    heads: Array.from({ length: nKvHeads }, (_, i): MaskHead => {
      const head = layer * nKvHeads + i;
      const [own, valueChannels] = [keys(head), values(head)];
      const lists = {
        keptChannels: own?.channels ?? null,
        keptValueChannels: valueChannels?.channels ?? null,
      };
      const bits = own?.bits ? { keptChannelBits: own.bits } : {};
      return { ...lists, keptTokens: null, ...bits, ...setWidthOf(engine, { slot, head }) };
    }),
  }));
}

/** How many channels of its own each thin row of a head keeps; nothing where it has none. */
function setWidthOf(
  { cache }: Engine,
  at: HeadAt,
): Pick<MaskHead, "keptChannelsPerRow"> {
  const sets = cache.segments.find(({ segment }) => segment.channels === "bitmap");
  if (!sets) return {};
  const { rows, width } = cache.sizeOf(at, sets.index);
  return rows > 0 ? { keptChannelsPerRow: width } : {};
}

/** Channels that a head keeps, ascending; in how many bits each, where that differs. */
interface KeptList {
  readonly channels: readonly number[];
  readonly bits?: readonly number[];
}

/** What each head keeps of a stream's channels; null: all of them. */
async function listsOf(
  { cache, device }: Engine,
  slot: number,
  stream: StreamName,
): Promise<(head: number) => KeptList | null> {
  const buffer = cache.lists[stream];
  if (buffer === null) return () => null;
  const { headDim } = cache.shape;
  const { compressed } = streamSegments(cache, stream)!;
  const bytes = 4 * cache.nHeadsPerSlot * headDim;
  const read = (await device.read(buffer, slot * bytes, bytes)).slice();
  const lists = new Uint32Array(read.buffer);
  return (head) => {
    const at = { slot, head };
    if (compressed.every(({ index }) => cache.sizeOf(at, index).rows === 0)) return null;
    const { index, segment: { code } } = compressed[0]!;
    const { width, high } = cache.sizeOf(at, index);
    const list = [...lists.subarray(head * headDim, head * headDim + width)];
    if (high === undefined || code.kind !== "affine") return { channels: list };
    const bits = new Map(list.map((c, place) => [c, place < high ? code.bits : code.low!]));
    const channels = list.toSorted((a, b) => a - b);
    return { channels, bits: channels.map((c) => bits.get(c)!) };
  };
}
