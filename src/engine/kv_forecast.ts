/**
 * How many bytes of pages a sequence will take at most, before any work: the same page arithmetic as
 * cache.ts and compress.ts, on row counts alone. `--kv-max` is held against it.
 */

import { pageBytes, pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { Layout, Segment } from "../layout/types.ts";
import { layerLosesChannels, rowsToCompress } from "./compress.ts";

/** What the forecast depends on. */
export interface ForecastShape {
  readonly layout: Layout;
  readonly nLayers: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  /** Pruning's numbers; null: dense. */
  readonly channels: { readonly widths: Uint32Array; readonly recent: number } | null;
}

/** Rows of a slot's keys: in the list segment, and whole. */
export interface KeyRows {
  readonly listed: number;
  readonly full: number;
}

/** Work to come. */
export interface ForecastWork {
  /** Rows in the slot before. */
  readonly start: KeyRows;
  /** Rows to prefill, then compress. */
  readonly nPrefill: number;
  /** Rows to decode after that. */
  readonly nDecode: number;
  /** `layered`: one layer holds the whole prompt at a time. */
  readonly order: "chunked" | "layered";
}

const growing = (segment: Segment, rows: number, headDim: number) =>
  pageCount(rows) * pageBytes(segment, { width: headDim, headDim });

const listed = (segment: Segment, rows: number, size: { width: number; headDim: number }) =>
  Math.floor(rows / PAGE_ROWS) * pageBytes(segment, size) +
  (rows % PAGE_ROWS > 0 ? pageBytes(segment, { ...size, rows: rows % PAGE_ROWS }) : 0);

/** Bytes of one layer's pages. */
function layerBytes(shape: ForecastShape, layer: number, keys: KeyRows): number {
  const { layout, nKvHeads, headDim, channels } = shape;
  let bytes = nKvHeads * (
    growing(layout.key.segments.at(-1)!, keys.full, headDim) +
    growing(layout.value.segments.at(-1)!, keys.listed + keys.full, headDim)
  );
  if (keys.listed > 0) {
    for (let i = 0; i < nKvHeads; i++) {
      const width = channels!.widths[layer * nKvHeads + i]!;
      bytes += listed(layout.key.segments[0]!, keys.listed, { width, headDim });
    }
  }
  return bytes;
}

/** Bytes of the pages a compression writes, all heads of a layer, beside the ones it reads. */
function movedBytes(shape: ForecastShape, layer: number, before: KeyRows, after: KeyRows): number {
  const { layout, nKvHeads, headDim, channels } = shape;
  const list = layout.key.segments[0]!;
  let bytes = nKvHeads * growing(layout.key.segments.at(-1)!, after.full, headDim);
  for (let i = 0; i < nKvHeads; i++) {
    const size = { width: channels!.widths[layer * nKvHeads + i]!, headDim };
    const whole = Math.floor(before.listed / PAGE_ROWS) * PAGE_ROWS;
    const unchanged = listed(list, before.listed, size) === listed(
      list,
      Math.min(after.listed, whole + PAGE_ROWS),
      size,
    );
    const kept = unchanged ? listed(list, before.listed, size) : listed(list, whole, size);
    bytes += listed(list, after.listed, size) - kept;
  }
  return bytes;
}

/** The most bytes of pages that a slot holds at once while the work is done. */
export function forecastPeak(shape: ForecastShape, work: ForecastWork): number {
  const { nLayers, nKvHeads, headDim, channels } = shape;
  const { start, nPrefill, nDecode, order } = work;
  const loses = (layer: number) =>
    channels !== null && layerLosesChannels(channels.widths, { layer, nKvHeads, headDim });
  const stages = Array.from({ length: nLayers }, (_, layer) => {
    const before = loses(layer) ? start : { listed: 0, full: start.listed + start.full };
    const dense = { ...before, full: before.full + nPrefill };
    const { moved } = rowsToCompress(dense, loses(layer) ? channels!.recent : Infinity);
    const after = { listed: dense.listed + moved, full: dense.full - moved };
    return { layer, before, dense, after, moved };
  });
  const bytes = (rows: (stage: typeof stages[number]) => KeyRows) =>
    stages.reduce((sum, stage) => sum + layerBytes(shape, stage.layer, rows(stage)), 0);
  let now = bytes((s) => order === "chunked" ? s.dense : s.before);
  let peak = now;
  for (const { layer, before, dense, after, moved } of stages) {
    if (order === "layered") {
      now += layerBytes(shape, layer, dense) - layerBytes(shape, layer, before);
      peak = Math.max(peak, now);
    }
    if (moved === 0) continue;
    peak = Math.max(peak, now + movedBytes(shape, layer, dense, after));
    now += layerBytes(shape, layer, after) - layerBytes(shape, layer, dense);
  }
  return Math.max(peak, bytes(({ after }) => ({ ...after, full: after.full + nDecode })));
}
