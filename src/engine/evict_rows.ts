/**
 * Token eviction in layers of a slot: scores, the choice of rows, and their move to the front of the pages,
 * all in one run; then the pages behind them are freed. Coded rows become whole ones first. A layer whose heads
 * all keep every row is left as it is.
 */

import type { Device, DeviceBuffer } from "../device/types.ts";
import type { KvCache } from "./cache.ts";
import type { HeadAt, LayerRange } from "./cache_shape.ts";
import { choiceDrafts, keepDrafts } from "./evict_drafts.ts";
import { expandedStreams, expandLayer } from "./expand_layer.ts";
import { fitPages } from "./fit_pages.ts";
import type { Plan } from "./plan.ts";
import { budgetRows, floorRows, leastRows } from "./row_budgets.ts";
import type { TokensPlan } from "./tokens_plan.ts";
import { wholeRows } from "./whole_rows.ts";

/** Rows of one KV head: in segments with a channel list, in all, its budget, and what scores cannot lower it to. */
interface HeadCut {
  readonly at: HeadAt;
  readonly listed: number;
  readonly rows: number;
  readonly keep: number;
  readonly least: number;
}

/** A layer that loses rows. */
interface LayerCut {
  readonly layer: number;
  readonly heads: readonly HeadCut[];
}

/** How many rows stay, in segments with a channel list and in all. */
interface Kept {
  readonly listed: number;
  readonly rows: number;
}

/** Evicts rows of layers of a slot. @returns whether any left */
export async function evictRows(
  device: Device,
  plan: Plan,
  { slot, layers, nTokens }: {
    readonly slot: number;
    readonly layers: LayerRange;
    readonly nTokens: number;
  },
): Promise<boolean> {
  const { tokens, cache } = plan.inputs;
  if (!tokens) return false;
  const { nKvHeads } = cache.shape;
  const due: LayerCut[] = [];
  for (let layer = layers.first; layer < layers.end; layer++) {
    const heads = Array.from({ length: nKvHeads }, (_, kvHead): HeadCut => {
      const at: HeadAt = { slot, head: layer * nKvHeads + kvHead };
      const rows = cache.rowsOf(at);
      const head = { layer, kvHead, nRows: rows };
      const [keep, least] = [budgetRows(tokens, head), leastRows(tokens, head)];
      return { at, listed: listedRows(cache, at), rows, keep, least };
    });
    if (losesRows(heads, tokens)) due.push({ layer, heads });
  }
  if (due.length === 0) return false;
  const streams = expandedStreams(cache);
  for (const { layer } of due) await expandLayer(device, plan, { slot, layer }, streams);
  cache.sync();
  const { cuts, floor_cuts, kept_counts } = plan.buffers.evict!;
  for (const { layer, heads } of due) {
    writeWholeHeads(device, plan, { slot, layer });
    const write = (to: DeviceBuffer, rowsOf: (cut: HeadCut) => number) => {
      const numbers = heads.flatMap((cut) => [cut.listed, cut.rows, rowsOf(cut), 0]);
      device.write(to, Uint32Array.from(numbers), 16 * layer * nKvHeads);
    };
    write(cuts, ({ keep }) => keep);
    if (tokens.floor !== null) write(floor_cuts, ({ keep }) => floorRows(tokens, keep));
  }
  await plan.run(due.flatMap(({ layer, heads }) => {
    const maxRows = Math.max(...heads.map(({ rows }) => rows));
    const nWindow = Math.min(tokens.window, nTokens);
    const at = { slot, layer, nTokens, nWindow, maxRows };
    return [...choiceDrafts(tokens, plan, at), ...keepDrafts(plan, at)];
  }));
  const first = due[0]!.layer, nLayers = due.at(-1)!.layer + 1 - first;
  const read = device.read(kept_counts, 8 * first * nKvHeads, 8 * nLayers * nKvHeads);
  const counts = new Uint32Array((await read).slice().buffer);
  let evicted = false;
  for (const { layer, heads } of due) {
    heads.forEach(({ at, rows }, kvHead) => {
      const i = 2 * ((layer - first) * nKvHeads + kvHead);
      shrink(cache, at, { listed: counts[i]!, rows: counts[i + 1]! });
      evicted ||= counts[i + 1]! < rows;
    });
  }
  return evicted;
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

/** Whether some head may have more rows than stay; where heads share counts that are known, whether all have together. */
function losesRows(cuts: readonly HeadCut[], { floor, enough }: TokensPlan): boolean {
  if (floor === null || enough) return cuts.some(({ rows, least }) => rows > least);
  return cuts.reduce((more, { rows, keep }) => more + rows - keep, 0) > 0;
}

/** The sizes of whole segments as kernels read them that know no others. */
function writeWholeHeads(
  device: Device,
  { inputs: { cache }, buffers }: Plan,
  at: { readonly slot: number; readonly layer: number },
): void {
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

/** Rows of each whole segment once only the kept ones are left. */
function rowsAfter(cache: KvCache, kept: Kept) {
  return wholeRows(cache).segments.map((segment) => {
    if (segment.stream === "value") return { segment, rows: kept.rows };
    const isList = segment.segment.channels === "list";
    return { segment, rows: isList ? kept.listed : kept.rows - kept.listed };
  });
}

/** Sets a head's sizes to the rows that stay, at the front of its pages, and frees what lies behind them. */
function shrink(cache: KvCache, at: HeadAt, kept: Kept): void {
  for (const { segment, rows } of rowsAfter(cache, kept)) {
    const { rows: from, width } = cache.sizeOf(at, segment.index);
    fitPages(cache, { at, segment, width, from, to: rows });
    cache.setSize(at, segment.index, { rows, width });
  }
}
