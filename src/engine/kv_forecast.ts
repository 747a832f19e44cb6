/**
 * How many bytes of pages a sequence will take at most, before any work: the same page arithmetic as the
 * cache and its compression, on row counts alone. `--kv-max` is held against it.
 */

import { pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { Layout } from "../layout/types.ts";
import { cacheSegments, segmentPageBytes } from "./cache_shape.ts";
import type { CacheSegment } from "./cache_shape.ts";
import { layerLosesChannels, rowsToCompress } from "./prune_layer.ts";
import { keptRows } from "./tokens_plan.ts";
import type { TokensPlan } from "./tokens_plan.ts";

/** What the forecast depends on. */
export interface ForecastShape {
  readonly layout: Layout;
  readonly nLayers: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  /** Eviction's numbers; null: no row is evicted. */
  readonly tokens: TokensPlan | null;
  /** Pruning's numbers; null: no channel is pruned. */
  readonly channels: { readonly widths: Uint32Array; readonly recent: number } | null;
}

/** Rows of a head's keys: in the list segment, and whole. */
export interface KeyRows {
  readonly listed: number;
  readonly full: number;
}

/** Work to come. */
export interface ForecastWork {
  /** Rows in the slot before, of every head (layer · nKvHeads + KV head). */
  readonly start: readonly KeyRows[];
  /** Rows to prefill, then compress. */
  readonly nPrefill: number;
  /** Rows to decode after that. */
  readonly nDecode: number;
  /** `layered`: one layer holds the whole prompt at a time. */
  readonly order: "chunked" | "layered";
}

/** An empty slot's rows. */
export function noRows({ nLayers, nKvHeads }: ForecastShape): KeyRows[] {
  return Array.from({ length: nLayers * nKvHeads }, () => ({ listed: 0, full: 0 }));
}

/** One head as a compression takes it; each stage is what the next one starts from. */
interface HeadStages {
  readonly head: number;
  readonly before: KeyRows;
  readonly dense: KeyRows;
  readonly evicted: KeyRows;
  readonly after: KeyRows;
}

/** The stages of a layer's heads when `nPrefill` rows come and it is then compressed. */
function layerStages(
  shape: ForecastShape,
  layer: number,
  work: { readonly start: readonly KeyRows[]; readonly nPrefill: number },
): HeadStages[] {
  const { nKvHeads, headDim, tokens, channels } = shape;
  const loses = channels !== null &&
    layerLosesChannels(channels.widths, { layer, nKvHeads, headDim });
  return Array.from({ length: nKvHeads }, (_, kvHead) => {
    const head = layer * nKvHeads + kvHead;
    const before = work.start[head]!;
    const dense = { ...before, full: before.full + work.nPrefill };
    const nRows = dense.listed + dense.full;
    const keep = tokens ? keptRows(tokens, { layer, kvHead, nRows }) : nRows;
    // Which rows stay is not known: at most all of the whole ones, which take the most bytes.
    const full = Math.min(dense.full, keep);
    const evicted = { listed: keep - full, full };
    const { moved } = rowsToCompress(evicted, loses ? channels.recent : Infinity);
    const after = { listed: evicted.listed + moved, full: evicted.full - moved };
    return { head, before, dense, evicted, after };
  });
}

/** The most rows that a head holds while decoding, and what an eviction then leaves; null: none comes. */
function decodedRows(
  { nKvHeads, tokens }: ForecastShape,
  head: number,
  { after, nDecode }: { readonly after: KeyRows; readonly nDecode: number },
): { readonly most: KeyRows; readonly kept: KeyRows | null } {
  const every = tokens?.every ?? 0;
  const grown = (rows: KeyRows, n: number) => ({ ...rows, full: rows.full + n });
  if (!tokens || every === 0 || nDecode < every) {
    return { most: grown(after, nDecode), kept: null };
  }
  const [layer, kvHead] = [Math.floor(head / nKvHeads), head % nKvHeads];
  let rows = after;
  let most = after;
  let kept: KeyRows | null = null;
  for (let left = nDecode; left > 0; left -= every) {
    const now = grown(rows, Math.min(left, every));
    if (rowsOf(now) > rowsOf(most) || now.full > most.full) most = now;
    if (left < every) break;
    const keep = keptRows(tokens, { layer, kvHead, nRows: rowsOf(now) });
    const full = Math.min(now.full, keep);
    const next = { listed: keep - full, full };
    if (keep < rowsOf(now)) kept = next;
    // From here on every eviction is the same.
    if (next.listed === rows.listed && next.full === rows.full) break;
    rows = next;
  }
  return { most, kept };
}

/** The rows of every head once `nPrefill` rows have come and were compressed; at most these. */
export function rowsAfter(
  shape: ForecastShape,
  work: { readonly start: readonly KeyRows[]; readonly nPrefill: number },
): KeyRows[] {
  return Array.from({ length: shape.nLayers }, (_, layer) => layerStages(shape, layer, work))
    .flat().map(({ after }) => after);
}

/** Byte counts of pages in a cache of a shape. */
class PageBytes {
  readonly #shape: ForecastShape;
  readonly #list: CacheSegment | undefined;
  readonly #full: CacheSegment;
  readonly #value: CacheSegment;

  constructor(shape: ForecastShape) {
    this.#shape = shape;
    const segments = cacheSegments(shape.layout, 0);
    const keys = segments.filter(({ stream }) => stream === "key");
    this.#list = keys.find(({ segment }) => segment.channels === "list");
    this.#full = keys.at(-1)!;
    this.#value = segments.at(-1)!;
  }

  #growing(segment: CacheSegment, rows: number): number {
    const { headDim } = this.#shape;
    return pageCount(rows) * segmentPageBytes(segment, { width: headDim, headDim });
  }

  full(rows: number): number {
    return this.#growing(this.#full, rows);
  }

  values(rows: number): number {
    return this.#growing(this.#value, rows);
  }

  /** Of the list segment of a head, whose last page is cut. */
  listed(head: number, rows: number): number {
    if (rows === 0 || !this.#list) return 0;
    const { headDim, channels } = this.#shape;
    const size = { width: channels!.widths[head]!, headDim };
    const rest = rows % PAGE_ROWS;
    return Math.floor(rows / PAGE_ROWS) * segmentPageBytes(this.#list, size) +
      (rest > 0 ? segmentPageBytes(this.#list, { ...size, rows: rest }) : 0);
  }

  head(head: number, { listed, full }: KeyRows): number {
    return this.full(full) + this.values(listed + full) + this.listed(head, listed);
  }

  /** What a pruning of channels writes beside what it reads. */
  pruned(head: number, before: KeyRows, after: KeyRows): number {
    const whole = Math.floor(before.listed / PAGE_ROWS) * PAGE_ROWS;
    const unchanged = this.listed(head, before.listed) ===
      this.listed(head, Math.min(after.listed, whole + PAGE_ROWS));
    const kept = unchanged ? this.listed(head, before.listed) : this.listed(head, whole);
    return this.full(after.full) + this.listed(head, after.listed) - kept;
  }
}

/** The most bytes of pages that a slot holds at once while the work is done. */
export function forecastPeak(shape: ForecastShape, work: ForecastWork): number {
  const bytes = new PageBytes(shape);
  const layers = Array.from(
    { length: shape.nLayers },
    (_, layer) => layerStages(shape, layer, work),
  );
  const total = (stages: readonly HeadStages[], rows: (stage: HeadStages) => KeyRows) =>
    stages.reduce((sum, stage) => sum + bytes.head(stage.head, rows(stage)), 0);
  const { order, nDecode } = work;
  let now = total(layers.flat(), (s) => order === "chunked" ? s.dense : s.before);
  let peak = now;
  const rise = (more: number) => peak = Math.max(peak, now + more);
  // Heads that share a budget cut it where they like: a started page more of each stream.
  const ragged = shape.tokens?.floor == null
    ? 0
    : shape.nKvHeads * (bytes.full(1) + bytes.values(1));
  for (const stages of layers) {
    if (order === "layered") {
      now += total(stages, (s) => s.dense) - total(stages, (s) => s.before);
      rise(0);
    }
    const [dense, evicted] = [total(stages, (s) => s.dense), total(stages, (s) => s.evicted)];
    if (stages.some((s) => rowsOf(s.evicted) < rowsOf(s.dense))) {
      rise(evicted + ragged);
      now += evicted + ragged - dense;
    }
    if (stages.every((s) => s.after.full === s.evicted.full)) continue;
    rise(stages.reduce((sum, s) => sum + bytes.pruned(s.head, s.evicted, s.after), 0));
    now += total(stages, (s) => s.after) - evicted;
  }
  const decoded = layers.map((stages) =>
    stages.map(({ head, after }) => ({ head, ...decodedRows(shape, head, { after, nDecode }) }))
  );
  const most = decoded.flat().reduce((sum, { head, most }) => sum + bytes.head(head, most), 0);
  // An eviction writes a layer's rows beside the ones it reads.
  const beside = decoded.map((heads) =>
    heads.reduce((sum, { head, kept }) => sum + (kept ? bytes.head(head, kept) : 0), 0)
  );
  return Math.max(peak, most + Math.max(...beside) + shape.nLayers * ragged);
}

const rowsOf = ({ listed, full }: KeyRows) => listed + full;
