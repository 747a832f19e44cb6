/**
 * Rows as a forecast counts them: how many a head has, and how many of them each stream has moved to its
 * compressed segment. Knows no bytes.
 */

import { becomesWhole, compressedUnit } from "../layout/becomes_whole.ts";
import type { Layout } from "../layout/types.ts";
import type { ChannelBudget } from "./channel_bits_plan.ts";
import type { StreamName } from "./compress_drafts.ts";
import { rowsToMove, stays } from "./layer_moves.ts";
import { recentRows, refreshes } from "./prune_layer.ts";
import type { ChannelCuts } from "./prune_layer.ts";
import type { RowClassesPlan } from "./row_classes_plan.ts";
import { budgetRows, keptRows } from "./row_budgets.ts";
import type { TokensPlan } from "./tokens_plan.ts";

/** What the forecast depends on. */
export interface ForecastShape extends ChannelCuts {
  readonly layout: Layout;
  readonly nLayers: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  /** Eviction's numbers; null: no row is evicted. */
  readonly tokens: TokensPlan | null;
  /** What the channels of coded keys may take; null: they are coded alike. */
  readonly bits: ChannelBudget | null;
  /** The share of coded rows that get more bits, and how many never are; null: all are coded alike. */
  readonly classes: Pick<RowClassesPlan, "share" | "first"> | null;
}

/** Rows of a head, and how many of them lie in the compressed segments of each stream. */
export interface HeadRows {
  readonly rows: number;
  readonly key: number;
  readonly value: number;
}

/** An empty slot's rows. */
export function noRows({ nLayers, nKvHeads }: ForecastShape): HeadRows[] {
  return Array.from({ length: nLayers * nKvHeads }, () => ({ rows: 0, key: 0, value: 0 }));
}

/** Both streams. */
export const STREAMS = ["key", "value"] as const;

/** A head of a layer once its older rows have moved; `flushes`: only those of streams that are flushed. */
export function movedRows(
  shape: ForecastShape,
  layer: number,
  { rows, key, value }: HeadRows,
  { flushes = false }: { readonly flushes?: boolean } = {},
): HeadRows {
  const size = { ...shape, layer };
  const recent = { key: recentRows(shape, "key", size), value: recentRows(shape, "value", size) };
  const first = shape.classes?.first ?? 0;
  const more = (stream: StreamName, before: number) => {
    const own = shape.layout[stream];
    if (flushes && own.segments.at(-1)!.flush === null) return before;
    const stay = { recent: stays(shape.layout, stream, recent), flushes };
    return before + rowsToMove(own, rows - before - first, stay);
  };
  return { rows, key: more("key", key), value: more("value", value) };
}

/** A head once its rows are whole that an eviction makes so. */
export function expandedRows({ layout }: ForecastShape, { rows, ...streams }: HeadRows): HeadRows {
  const left = (stream: StreamName) =>
    becomesWhole(stream, layout[stream].segments[0]!) ? 0 : streams[stream];
  return { rows, key: left("key"), value: left("value") };
}

/** A head once no row lacks a channel, where masks are chosen anew; else as it is. */
export const unmaskedRows = (shape: ForecastShape, head: HeadRows): HeadRows =>
  refreshes(shape) ? { rows: head.rows, key: 0, value: 0 } : head;

/**
 * How many rows each head of a layer keeps at most of those it has. Where heads share their budgets, what one
 * has no rows for goes to the others: as if to the first of them, since which one is not known.
 */
export function keptOfLayer(
  tokens: TokensPlan,
  layer: number,
  rows: readonly number[],
): number[] {
  const heads = rows.map((nRows, kvHead) => ({ layer, kvHead, nRows }));
  const keeps = heads.map((head) => keptRows(tokens, head));
  if (tokens.floor === null) return keeps;
  let spare = heads.reduce((sum, head, i) => sum + budgetRows(tokens, head) - keeps[i]!, 0);
  return keeps.map((keep, i) => {
    const more = Math.min(spare, rows[i]! - keep);
    spare -= more;
    return keep + more;
  });
}

/**
 * A head once `keep` of its rows are left. Which ones is not known: at most all of the whole ones, which take
 * the most bytes.
 */
export function evictedRows({ rows, key, value }: HeadRows, keep: number): HeadRows {
  const left = (compressed: number) => keep - Math.min(rows - compressed, keep);
  return { rows: keep, key: left(key), value: left(value) };
}

/** A head once an eviction while decoding has compressed again what it had made whole: units of codes. */
export function recompressedRows(
  { layout }: ForecastShape,
  { rows, key, value }: HeadRows,
): HeadRows {
  const units = (stream: StreamName, n: number) =>
    n - n % compressedUnit(layout[stream].segments[0]!);
  return { rows, key: units("key", key), value: units("value", value) };
}
