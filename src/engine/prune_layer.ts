/**
 * Channel pruning of one layer of a slot: which channels stay, which rows lose the others, new pages, the
 * move, the old pages freed. A layer where every head keeps every channel, and a head no longer than the
 * protected rows, is left as it is: removing nothing is dense by construction.
 */

import type { Device } from "../device/types.ts";
import { pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import { segmentPageBytes } from "./cache_shape.ts";
import type { CacheSegment, HeadAt } from "./cache_shape.ts";
import { compressDrafts, keySegments, scoreDrafts } from "./compress_drafts.ts";
import type { LayerAt } from "./compress_drafts.ts";
import type { Plan } from "./plan.ts";

/** Rows of a head's keys before and after its channels are pruned. */
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
 * Prunes the channels of one layer of a slot. The first time it chooses them; later the mask stays.
 *
 * @returns whether rows were moved
 */
export async function pruneLayer(
  device: Device,
  plan: Plan,
  { slot, layer, nTokens }: LayerAt & { readonly nTokens: number },
): Promise<boolean> {
  const { channels, cache } = plan.inputs;
  if (!channels) return false;
  const { nKvHeads, headDim } = cache.shape;
  if (!layerLosesChannels(channels.widths, { layer, nKvHeads, headDim })) return false;
  const { list, full } = keySegments(cache);
  const heads = Array.from({ length: nKvHeads }, (_, i): HeadMove => {
    const at: HeadAt = { slot, head: layer * nKvHeads + i };
    const sizes = {
      listed: cache.sizeOf(at, list.index).rows,
      full: cache.sizeOf(at, full.index).rows,
    };
    const rows = rowsToCompress(sizes, channels.recent);
    return { at, rows, width: channels.widths[at.head]! };
  });
  if (heads.every(({ rows }) => rows.moved === 0)) return false;
  cache.sync();
  if (heads.every(({ rows }) => rows.listed === 0)) {
    const nWindow = Math.min(channels.window, nTokens);
    await plan.run(scoreDrafts(channels, plan.buffers, cache, { slot, layer, nWindow }));
  }
  const old = replacePages(device, plan, heads);
  cache.sync();
  await plan.run(compressDrafts(plan.buffers, cache, { slot, layer }));
  for (const page of old) cache.table.release(page);
  for (const { at, rows, width } of heads) {
    cache.setSize(at, list.index, { rows: rows.listed + rows.moved, width });
    cache.setSize(at, full.index, { rows: rows.full - rows.moved, width: headDim });
  }
  return true;
}

/** One KV head's share of a layer. */
interface HeadMove {
  readonly at: HeadAt;
  readonly rows: CompressedRows;
  readonly width: number;
}

/** Pages for the rows' new places, the list of moves, and the pages that held them. */
function replacePages(device: Device, plan: Plan, heads: readonly HeadMove[]): TakenPage[] {
  const { cache } = plan.inputs;
  const { nKvHeads, headDim } = cache.shape;
  const { src_pages } = plan.buffers.compress!;
  const prune = plan.buffers.prune!;
  const { list, full } = keySegments(cache);
  const first = heads[0]!.at;
  device.write(src_pages, cache.table.entriesOf({ ...first, nHeads: nKvHeads }));
  const old: TakenPage[] = [];
  const moves = [new Uint32Array(4 * nKvHeads), new Uint32Array(4 * nKvHeads)] as const;
  heads.forEach(({ at, rows, width }, i) => {
    for (let p = 0; p < pageCount(rows.full); p++) {
      old.push(cache.table.take(cache.table.entryIndex({ ...at, entry: full.page + p })));
    }
    const grown = { from: rows.listed, to: rows.listed + rows.moved, width };
    old.push(...growList(cache, { at, segment: list, ...grown }));
    for (let p = 0; p < pageCount(rows.full - rows.moved); p++) {
      const index = cache.table.entryIndex({ ...at, entry: full.page + p });
      cache.table.allocate(index, segmentPageBytes(full, { width: headDim, headDim }));
    }
    moves[0].set([0, rows.listed, rows.moved, width], 4 * i);
    moves[1].set([rows.moved, 0, rows.full - rows.moved, headDim], 4 * i);
  });
  moves.forEach((data, i) => device.write(prune.moves[i]!, data, 16 * first.head));
  return old;
}

/**
 * Pages of a list segment for rows `from` … `to`, the last cut behind its last tile. A page that was cut
 * is replaced by a larger one with the same bytes.
 *
 * @returns the replaced page, if there was one
 */
export function growList(
  cache: KvCache,
  options: { at: HeadAt; segment: CacheSegment; from: number; to: number; width: number },
): TakenPage[] {
  const { at, segment, from, to, width } = options;
  const { table, shape: { headDim } } = cache;
  const replaced: TakenPage[] = [];
  for (let p = Math.floor(from / PAGE_ROWS); p < pageCount(to); p++) {
    const index = table.entryIndex({ ...at, entry: segment.page + p });
    const rows = Math.min(PAGE_ROWS, to - p * PAGE_ROWS);
    const bytes = segmentPageBytes(segment, { width, headDim, rows });
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
