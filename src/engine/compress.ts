/**
 * Compression of one layer of a slot: the steps of a spec in their order, each on what the one before it
 * left. Works on whole layers, one after the other, so that only one layer is held twice.
 */

import type { Device } from "../device/types.ts";
import { compressedUnit, isCoded } from "../layout/becomes_whole.ts";
import type { HeadAt, LayerRange } from "./cache_shape.ts";
import { haveBits } from "./choose_bits.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { LayerAt, StreamName } from "./compress_drafts.ts";
import { evictRows, keptBefore } from "./evict_rows.ts";
import { expandedStreams, expandLayer, maskedStreams } from "./expand_layer.ts";
import { moveLayer } from "./move_layer.ts";
import { hasRowsToMove, rowsUntilMove, stays } from "./layer_moves.ts";
import type { Plan } from "./plan.ts";
import { chooseChannels, hasMask, recentRows, refreshes } from "./prune_layer.ts";

const recentOf = ({ inputs }: Plan, layer: number) => {
  const size = { ...inputs.cache.shape, layer };
  return { key: recentRows(inputs, "key", size), value: recentRows(inputs, "value", size) };
};

const only = ({ layer }: LayerAt): LayerRange => ({ first: layer, end: layer + 1 });

/**
 * Compresses one layer of a slot, at the end of a prefill.
 *
 * @param at.nTokens tokens seen: the position after the last query
 * @returns whether anything was removed
 */
export async function compressLayer(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
): Promise<boolean> {
  // Where an eviction makes whole rows of coded ones, their mask stays, as bits do.
  const masked = hasMask(plan, at);
  const hasBits = haveBits(plan, at);
  const evicted = await evictRows(device, plan, { ...at, layers: only(at) });
  const recent = recentOf(plan, at.layer);
  if (!hasRowsToMove(plan, at, { recent })) return evicted;
  const unmasked = masked && await unmask(device, plan, at);
  const wholeStreams = await chooseChannels(device, plan, at, { masked: masked && !unmasked });
  const { layout } = plan.inputs.cache.shape;
  for (const stream of wholeStreams) {
    if (!isCoded(layout[stream].segments[0]!)) recent[stream] = Infinity;
  }
  return await moveLayer(device, plan, at, { recent, hasBits }) || evicted;
}

/**
 * Evicts rows of a slot while it decodes. Survivors that became whole ones for it are compressed again as they
 * were, in whole units; no others are: what is due beside them waits for the next flush.
 */
export async function evictDecoded(
  device: Device,
  plan: Plan,
  at: { readonly slot: number; readonly nTokens: number },
): Promise<void> {
  const { cache } = plan.inputs;
  const streams = expandedStreams(cache);
  if (streams.length === 0) {
    await evictRows(device, plan, { ...at, layers: cache.allLayers });
    return;
  }
  for (let layer = 0; layer < cache.shape.nLayers; layer++) {
    await evictDecodedLayer(device, plan, { ...at, layer, streams });
  }
}

async function evictDecodedLayer(
  device: Device,
  plan: Plan,
  { streams, ...at }: LayerAt & {
    readonly nTokens: number;
    /** Those whose compressed rows become whole. */
    readonly streams: readonly StreamName[];
  },
): Promise<void> {
  const { cache } = plan.inputs;
  const { nKvHeads } = cache.shape;
  const compressedOf = (head: HeadAt, stream: StreamName) =>
    streamSegments(cache, stream)!.compressed
      .reduce((sum, { index }) => sum + cache.sizeOf(head, index).rows, 0);
  const heads = Array.from({ length: nKvHeads }, (_, i) => {
    const head = { slot: at.slot, head: at.layer * nKvHeads + i };
    return { at: head, rows: cache.rowsOf(head) };
  });
  const before = streams.map((stream) => heads.map(({ at }) => compressedOf(at, stream)));
  await evictRows(device, plan, { ...at, layers: only(at) });
  const isSame = streams.every((stream, s) =>
    heads.every(({ at }, i) => compressedOf(at, stream) === before[s]![i])
  );
  if (isSame) return;
  const rows = { key: heads.map(() => 0), value: heads.map(() => 0) };
  for (const [s, stream] of streams.entries()) {
    const listed = heads.map((head, i) => ({ ...head, listed: before[s]![i]! }));
    const unit = compressedUnit(streamSegments(cache, stream)!.compressed[0]!.segment);
    rows[stream] = (await keptBefore(device, plan, listed)).map((n) => n - n % unit);
  }
  await moveLayer(device, plan, at, { recent: { key: 0, value: 0 }, rows });
}

/**
 * Flushes one layer of a slot while it decodes: rows that are due lose channels or become codes. A mask that no
 * prefill has chosen is chosen now.
 *
 * @returns whether any were due
 */
export async function flushLayer(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
): Promise<boolean> {
  const options = { recent: recentOf(plan, at.layer), flushes: true };
  if (!hasRowsToMove(plan, at, options)) return false;
  const masked = hasMask(plan, at);
  const unmasked = masked && await unmask(device, plan, at);
  await chooseChannels(device, plan, at, { masked: masked && !unmasked });
  return await moveLayer(device, plan, at, unmasked ? { ...options, rows: unmasked } : options);
}

/**
 * Where masks are chosen anew: makes whole rows of those of a layer that lack channels.
 *
 * @returns how many each KV head had of streams that no flush prunes again; null: the masks stay
 */
async function unmask(
  device: Device,
  plan: Plan,
  at: LayerAt,
): Promise<Partial<Record<StreamName, number[]>> | null> {
  const { cache } = plan.inputs;
  if (!refreshes(plan.inputs)) return null;
  const { nKvHeads } = cache.shape;
  const streams = maskedStreams(cache);
  const rows = streams.map((stream): [StreamName, number[]] => {
    const { compressed: [list] } = streamSegments(cache, stream)!;
    const heads = Array.from({ length: nKvHeads }, (_, i) => at.layer * nKvHeads + i);
    return [stream, heads.map((head) => cache.sizeOf({ slot: at.slot, head }, list!.index).rows)];
  });
  await expandLayer(device, plan, at, streams);
  return Object.fromEntries(
    rows.filter(([stream]) => streamSegments(cache, stream)!.full.segment.flush === null),
  );
}

/** How many rows more make a flush of a slot due; Infinity: nothing is ever flushed. */
export function rowsUntilFlush(plan: Plan, slot: number): number {
  const { cache, classes } = plan.inputs;
  const { layout, nKvHeads } = cache.shape;
  let least = Infinity;
  for (const stream of ["key", "value"] as const) {
    const segments = streamSegments(cache, stream);
    if (segments === null || segments.full.segment.flush === null) continue;
    for (let head = 0; head < cache.nHeadsPerSlot; head++) {
      const rows = cache.sizeOf({ slot, head }, segments.full.index).rows - (classes?.first ?? 0);
      const recent = stays(layout, stream, recentOf(plan, Math.floor(head / nKvHeads)));
      least = Math.min(least, rowsUntilMove(layout[stream], rows, recent));
    }
  }
  return least;
}
