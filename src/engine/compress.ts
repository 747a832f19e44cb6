/**
 * Compression of one layer of a slot: which channels stay, which rows lose the others, new pages, the
 * move, the old pages freed. Works on whole layers, one after the other, so that only one layer is held
 * twice. A layer where every head keeps every channel, and a slot no longer than the protected rows, is
 * left as it is: removing nothing is dense by construction.
 */

import type { Device } from "../device/types.ts";
import { pageBytes, pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import type { CacheSegment, HeadAt } from "./cache_shape.ts";
import { compressDrafts, keySegments, scoreDrafts } from "./compress_drafts.ts";
import type { LayerAt } from "./compress_drafts.ts";
import type { Plan } from "./plan.ts";

/** Rows of a layer before and after its compression; every head's, since none evicts. */
export interface CompressedRows {
  readonly listed: number;
  readonly full: number;
  /** Full rows that lose channels: the oldest. */
  readonly moved: number;
}

/** How many of a slot's full rows lose channels: all but the last `recent`. */
export function rowsToCompress(
  sizes: { readonly listed: number; readonly full: number },
  recent: number,
): CompressedRows {
  return { ...sizes, moved: Math.max(0, sizes.full - recent) };
}

/** Whether some head of a layer loses a channel. */
export function layerLosesChannels(
  widths: Uint32Array,
  { layer, nKvHeads, headDim }: { layer: number; nKvHeads: number; headDim: number },
): boolean {
  return widths.subarray(layer * nKvHeads, (layer + 1) * nKvHeads).some((w) => w < headDim);
}

/**
 * Compresses one layer of a slot. The first time it chooses the layer's channels; later the mask stays.
 *
 * @returns whether rows were moved
 */
export async function compressLayer(
  device: Device,
  plan: Plan,
  { slot, layer, nTokens }: LayerAt & { readonly nTokens: number },
): Promise<boolean> {
  const { channels, cache } = plan.inputs;
  if (!channels) return false;
  const { nKvHeads, headDim } = cache.shape;
  if (!layerLosesChannels(channels.widths, { layer, nKvHeads, headDim })) return false;
  const { list, full } = keySegments(cache);
  const first: HeadAt = { slot, head: layer * nKvHeads };
  const rows = rowsToCompress({
    listed: cache.sizeOf(first, list.index).rows,
    full: cache.sizeOf(first, full.index).rows,
  }, channels.recent);
  if (rows.moved === 0) return false;
  cache.sync();
  if (rows.listed === 0) {
    const nWindow = Math.min(channels.window, nTokens);
    await plan.run(scoreDrafts(channels, plan.buffers, cache, { slot, layer, nWindow }));
  }
  const old = replacePages(device, plan, { slot, layer, rows });
  cache.sync();
  await plan.run(compressDrafts(plan.buffers, cache, { slot, layer }));
  for (const page of old) cache.table.release(page);
  for (let i = 0; i < nKvHeads; i++) {
    const at = { slot, head: layer * nKvHeads + i };
    const width = channels.widths[at.head]!;
    cache.setSize(at, list.index, { rows: rows.listed + rows.moved, width });
    cache.setSize(at, full.index, { rows: rows.full - rows.moved, width: headDim });
  }
  return true;
}

/** Pages for the rows' new places, the list of moves, and the pages that held them. */
function replacePages(
  device: Device,
  plan: Plan,
  { slot, layer, rows }: LayerAt & { readonly rows: CompressedRows },
): TakenPage[] {
  const { cache, channels } = plan.inputs;
  const { nKvHeads, headDim } = cache.shape;
  const prune = plan.buffers.prune!;
  const { list, full } = keySegments(cache);
  const head = layer * nKvHeads;
  device.write(prune.src_pages, cache.table.entriesOf({ slot, head, nHeads: nKvHeads }));
  const old: TakenPage[] = [];
  const moves = [new Uint32Array(4 * nKvHeads), new Uint32Array(4 * nKvHeads)] as const;
  for (let i = 0; i < nKvHeads; i++) {
    const at = { slot, head: head + i };
    const width = channels!.widths[at.head]!;
    for (let p = 0; p < pageCount(rows.full); p++) {
      old.push(cache.table.take(cache.table.entryIndex({ ...at, entry: full.page + p })));
    }
    const grown = { from: rows.listed, to: rows.listed + rows.moved, width };
    old.push(...growList(cache, { at, segment: list, ...grown }));
    for (let p = 0; p < pageCount(rows.full - rows.moved); p++) {
      const index = cache.table.entryIndex({ ...at, entry: full.page + p });
      cache.table.allocate(index, pageBytes(full.segment, { width: headDim, headDim }));
    }
    moves[0].set([0, rows.listed, rows.moved, width], 4 * i);
    moves[1].set([rows.moved, 0, rows.full - rows.moved, headDim], 4 * i);
  }
  moves.forEach((data, i) => device.write(prune.moves[i]!, data, 16 * head));
  return old;
}

/**
 * Pages of a list segment for rows `from` … `to`, the last cut behind its last tile. A page that was cut
 * is replaced by a larger one with the same bytes.
 *
 * @returns the replaced page, if there was one
 */
function growList(
  cache: KvCache,
  options: { at: HeadAt; segment: CacheSegment; from: number; to: number; width: number },
): TakenPage[] {
  const { at, segment: { segment, page }, from, to, width } = options;
  const { table, shape: { headDim } } = cache;
  const replaced: TakenPage[] = [];
  for (let p = Math.floor(from / PAGE_ROWS); p < pageCount(to); p++) {
    const index = table.entryIndex({ ...at, entry: page + p });
    const rows = Math.min(PAGE_ROWS, to - p * PAGE_ROWS);
    const bytes = pageBytes(segment, { width, headDim, rows });
    const had = table.bytesAt(index);
    if (had >= bytes) continue;
    const kept = had > 0 ? table.take(index) : null;
    table.allocate(index, bytes);
    if (!kept) continue;
    table.copyInto(index, kept);
    replaced.push(kept);
  }
  return replaced;
}
