/**
 * What a slot's compression kept, read back for people and tests.
 */

import { codeBits, hasChannelClasses, rowBytes } from "../layout/bytes.ts";
import { pageCount, sideBytes } from "../layout/offset.ts";
import { setPlace } from "../layout/sets.ts";
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
  /** The share of those keys that keep each channel, f64 [headDim]. */
  readonly keptChannelShares?: readonly number[];
  /** Bits of each kept channel, where channels are coded in as many as they are worth; of most rows. */
  readonly keptChannelBits?: readonly number[];
  /** … in the rows of the first class, where each class of rows has bits of its own; 0: none in that class. */
  readonly keptHighChannelBits?: readonly number[];
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
  const layers: MaskLayer[] = [];
  for (let layer = 0; layer < nLayers; layer++) {
    const heads: MaskHead[] = [];
    for (let head = layer * nKvHeads; head < (layer + 1) * nKvHeads; head++) {
      const [own, valueChannels] = [keys(head), values(head)];
      heads.push({
        keptChannels: own?.channels ?? null,
        keptValueChannels: valueChannels?.channels ?? null,
        keptTokens: null,
        ...(own?.bits ? { keptChannelBits: own.bits.at(-1)! } : {}),
        ...(own?.bits && own.bits.length > 1 ? { keptHighChannelBits: own.bits[0]! } : {}),
        ...await setsOf(engine, { slot, head }),
      });
    }
    layers.push({ heads });
  }
  return layers;
}

/** What the thin rows of a head keep, each of its own; nothing where it has none. */
async function setsOf(
  { cache, device }: Engine,
  at: HeadAt,
): Promise<Pick<MaskHead, "keptChannelsPerRow" | "keptChannelShares">> {
  const sets = cache.segments.find(({ segment }) => segment.channels === "bitmap");
  if (!sets) return {};
  const { rows, width } = cache.sizeOf(at, sets.index);
  if (rows === 0) return {};
  const { headDim } = cache.shape;
  const sizes = { width, headDim };
  const bytesPerRow = rowBytes(sets.segment, sizes, headDim);
  const counts = new Array<number>(headDim).fill(0);
  for (let p = 0; p < pageCount(rows); p++) {
    const entry = cache.table.entryIndex({ ...at, entry: sets.page + p });
    const { buffer, offset } = cache.table.pageAt(entry);
    const own = Math.min(PAGE_ROWS, rows - p * PAGE_ROWS);
    const bytes = await device.read(buffer, offset + sideBytes(sets.sides), own * bytesPerRow);
    for (let row = 0; row < own; row++) {
      const { set } = setPlace(sets.segment, { row, ...sizes });
      for (let c = 0; c < headDim; c++) counts[c]! += bytes[set + (c >> 3)]! >> (c & 7) & 1;
    }
  }
  return { keptChannelsPerRow: width, keptChannelShares: counts.map((count) => count / rows) };
}

/** Channels that a head keeps, ascending; in how many bits each list has them, where that differs. */
interface KeptList {
  readonly channels: readonly number[];
  readonly bits?: readonly (readonly number[])[];
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
  const nLists = stream === "key" ? cache.nKeyLists : 1;
  const bytes = 4 * cache.nHeadsPerSlot * nLists * headDim;
  const read = (await device.read(buffer, slot * bytes, bytes)).slice();
  const lists = new Uint32Array(read.buffer);
  return (head) => {
    const at = { slot, head };
    if (compressed.every(({ index }) => cache.sizeOf(at, index).rows === 0)) return null;
    const found = compressed.slice(0, nLists).map(({ index, segment: { code } }, i) => {
      const { width, high = width } = cache.sizeOf(at, index);
      const first = (head * nLists + i) * headDim;
      const bitsOf = (place: number) =>
        place >= high && code.kind === "affine" ? code.low! : codeBits(code);
      return new Map(
        Array.from(lists.subarray(first, first + width), (c, place) => [c, bitsOf(place)]),
      );
    });
    const channels = [...new Set(found.flatMap((list) => [...list.keys()]))].sort((a, b) => a - b);
    if (!hasChannelClasses(compressed[0]!.segment)) return { channels };
    return { channels, bits: found.map((list) => channels.map((c) => list.get(c) ?? 0)) };
  };
}
