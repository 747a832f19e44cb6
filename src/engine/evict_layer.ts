/**
 * Token eviction in one layer of a slot: scores, the choice of rows, new pages for those that stay, the
 * copy, the old pages freed. Coded rows become whole ones first. A layer whose heads all keep every row is
 * left as it is.
 */

import type { Device, DeviceBuffer } from "../device/types.ts";
import { pageCount } from "../layout/offset.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import { segmentPageBytes } from "./cache_shape.ts";
import type { HeadAt } from "./cache_shape.ts";
import type { LayerAt } from "./compress_drafts.ts";
import { choiceDrafts, keepDrafts } from "./evict_drafts.ts";
import type { Plan } from "./plan.ts";
import { expandLayer } from "./expand_layer.ts";
import { growCompressed } from "./move_layer.ts";
import { budgetRows, floorRows, leastRows } from "./tokens_plan.ts";
import { wholeRows } from "./whole_rows.ts";

/** Rows of one KV head: in segments with a channel list, in all, its budget, and what scores cannot lower it to. */
interface HeadCut {
  readonly at: HeadAt;
  readonly listed: number;
  readonly rows: number;
  readonly keep: number;
  readonly least: number;
}

/** How many rows stay, in segments with a channel list and in all. */
interface Kept {
  readonly listed: number;
  readonly rows: number;
}

/** Evicts rows of one layer of a slot. @returns whether any left */
export async function evictLayer(
  device: Device,
  plan: Plan,
  { slot, layer, nTokens }: LayerAt & { readonly nTokens: number },
): Promise<boolean> {
  const { tokens, cache } = plan.inputs;
  if (!tokens) return false;
  const { nKvHeads } = cache.shape;
  const cuts = Array.from({ length: nKvHeads }, (_, kvHead): HeadCut => {
    const at: HeadAt = { slot, head: layer * nKvHeads + kvHead };
    const rows = cache.rowsOf(at);
    const head = { layer, kvHead, nRows: rows };
    const [keep, least] = [budgetRows(tokens, head), leastRows(tokens, head)];
    return { at, listed: listedRows(cache, at), rows, keep, least };
  });
  if (!losesRows(cuts, tokens.floor !== null)) return false;
  await expandLayer(device, plan, { slot, layer });
  cache.sync();
  writeWholeHeads(device, plan, { slot, layer });
  const { cuts: buffer, floor_cuts, kept_counts } = plan.buffers.evict!;
  const write = (to: DeviceBuffer, rowsOf: (cut: HeadCut) => number) => {
    const numbers = cuts.flatMap((cut) => [cut.listed, cut.rows, rowsOf(cut), 0]);
    device.write(to, Uint32Array.from(numbers), 16 * layer * nKvHeads);
  };
  write(buffer, ({ keep }) => keep);
  if (tokens.floor !== null) write(floor_cuts, ({ keep }) => floorRows(tokens, keep));
  const maxRows = Math.max(...cuts.map(({ rows }) => rows));
  const nWindow = Math.min(tokens.window, nTokens);
  const at = { slot, layer, nTokens, nWindow, maxRows };
  await plan.run(choiceDrafts(tokens, plan, at));
  const counts = await readCounts(device.read(kept_counts, 8 * layer * nKvHeads, 8 * nKvHeads));
  if (counts.every((kept, i) => kept.rows === cuts[i]!.rows)) return false;
  const old = replacePages(device, plan, cuts.map(({ at }, i) => ({ at, kept: counts[i]! })));
  cache.sync();
  await plan.run(keepDrafts(plan, at));
  for (const page of old) cache.table.release(page);
  cuts.forEach(({ at }, i) => setRows(cache, at, counts[i]!));
  return true;
}

/**
 * Of the first `listed` rows that each KV head had, how many the eviction that a layer has just seen kept.
 *
 * @param heads rows before it, in all and those
 */
export async function keptBefore(
  device: Device,
  { inputs: { cache }, buffers }: Plan,
  heads: readonly { readonly at: HeadAt; readonly rows: number; readonly listed: number }[],
): Promise<number[]> {
  const maxRows = Math.max(...heads.map(({ rows }) => rows));
  const bytes = await device.read(buffers.evict!.kept, 0, 4 * heads.length * maxRows);
  const places = new Uint32Array(bytes.slice().buffer);
  return heads.map(({ at, listed }, i) => {
    const kept = places.subarray(i * maxRows, i * maxRows + cache.rowsOf(at));
    return kept.filter((place) => place < listed).length;
  });
}

/** Whether some head may have more rows than stay; where heads share, whether all have together. */
function losesRows(cuts: readonly HeadCut[], shares: boolean): boolean {
  if (!shares) return cuts.some(({ rows, least }) => rows > least);
  return cuts.reduce((more, { rows, keep }) => more + rows - keep, 0) > 0;
}

/** The sizes of whole segments as kernels read them that know no others. */
function writeWholeHeads(device: Device, { inputs: { cache }, buffers }: Plan, at: LayerAt): void {
  const { segments, isPart } = wholeRows(cache);
  if (!isPart) return;
  const { nKvHeads } = cache.shape;
  const first = at.layer * nKvHeads;
  const sizes = Array.from({ length: nKvHeads }, (_, i) =>
    segments.flatMap(({ index }) => {
      const { rows, width } = cache.sizeOf({ slot: at.slot, head: first + i }, index);
      return [rows, width];
    })).flat();
  const place = (at.slot * cache.nHeadsPerSlot + first) * 2 * segments.length;
  device.write(buffers.wholeHeads!, Uint32Array.from(sizes), 4 * place);
}

/** Rows in whole segments with a channel list. */
function listedRows(cache: KvCache, at: HeadAt): number {
  return wholeRows(cache).segments.filter((s) => s.segment.channels === "list")
    .reduce((sum, { index }) => sum + cache.sizeOf(at, index).rows, 0);
}

async function readCounts(read: Promise<Uint8Array>): Promise<Kept[]> {
  const bytes = await read;
  const counts = new Uint32Array(bytes.slice().buffer);
  return Array.from(
    { length: counts.length / 2 },
    (_, i) => ({ listed: counts[2 * i]!, rows: counts[2 * i + 1]! }),
  );
}

/** Rows of each whole segment once only the kept ones are left. */
function rowsAfter(cache: KvCache, kept: Kept) {
  return wholeRows(cache).segments.map((segment) => {
    if (segment.stream === "value") return { segment, rows: kept.rows };
    const isList = segment.segment.channels === "list";
    return { segment, rows: isList ? kept.listed : kept.rows - kept.listed };
  });
}

/** Pages for the rows that stay. @returns the pages that held the head's rows before */
function replacePages(
  device: Device,
  plan: Plan,
  heads: readonly { readonly at: HeadAt; readonly kept: Kept }[],
): TakenPage[] {
  const { cache } = plan.inputs;
  const { headDim } = cache.shape;
  const first = heads[0]!.at;
  const nHeads = heads.length;
  device.write(plan.buffers.compress!.src_pages, cache.table.entriesOf({ ...first, nHeads }));
  const old: TakenPage[] = [];
  for (const { at, kept } of heads) {
    for (const { segment, rows } of rowsAfter(cache, kept)) {
      const size = cache.sizeOf(at, segment.index);
      for (let p = 0; p < pageCount(size.rows); p++) {
        old.push(cache.table.take(cache.table.entryIndex({ ...at, entry: segment.page + p })));
      }
      if (!segment.isLast) {
        growCompressed(cache, { at, segment, from: 0, to: rows, width: size.width });
        continue;
      }
      for (let p = 0; p < pageCount(rows); p++) {
        const index = cache.table.entryIndex({ ...at, entry: segment.page + p });
        cache.table.allocate(index, segmentPageBytes(segment, { width: size.width, headDim }));
      }
    }
  }
  return old;
}

function setRows(cache: KvCache, at: HeadAt, kept: Kept): void {
  for (const { segment, rows } of rowsAfter(cache, kept)) {
    cache.setSize(at, segment.index, { rows, width: cache.sizeOf(at, segment.index).width });
  }
}
