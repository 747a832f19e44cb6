/**
 * How many bytes of pages a sequence will take at most, before any work: the stages of a prefill's
 * compression and what decoding adds, on row counts alone. `--kv-max` is held against it.
 */

import { evictingPeak, flushingPeak } from "./forecast_decode.ts";
import { PageBytes } from "./forecast_pages.ts";
import {
  evictedRows,
  expandedRows,
  keptOfLayer,
  movedRows,
  unmaskedRows,
} from "./forecast_rows.ts";
import type { ForecastShape, HeadRows } from "./forecast_rows.ts";
import { leastRows } from "./row_budgets.ts";

export { noRows } from "./forecast_rows.ts";
export type { ForecastShape, HeadRows } from "./forecast_rows.ts";

/** Work to come. */
export interface ForecastWork {
  /** Rows in the slot before, of every head (layer · nKvHeads + KV head). */
  readonly start: readonly HeadRows[];
  /** Rows to prefill, then compress. */
  readonly nPrefill: number;
  /** Rows to decode after that. */
  readonly nDecode: number;
  /** `layered`: one layer holds the whole prompt at a time. */
  readonly order: "chunked" | "layered";
}

/** One head as a compression takes it; each stage is what the next one starts from. */
interface HeadStages {
  readonly head: number;
  readonly before: HeadRows;
  readonly dense: HeadRows;
  /** … once coded rows are whole, where the layer is evicted. */
  readonly expanded: HeadRows;
  readonly evicted: HeadRows;
  /** … once the rows whose masks are chosen anew are whole. */
  readonly unmasked: HeadRows;
  readonly after: HeadRows;
  /** Whether the layer may lose a row. */
  readonly evicts: boolean;
}

/** The stages of a layer's heads when `nPrefill` rows come and it is then compressed. */
function layerStages(
  shape: ForecastShape,
  layer: number,
  work: { readonly start: readonly HeadRows[]; readonly nPrefill: number },
): HeadStages[] {
  const { nKvHeads, tokens } = shape;
  const rows = Array.from({ length: nKvHeads }, (_, kvHead) => {
    const head = layer * nKvHeads + kvHead;
    const before = work.start[head]!;
    return { head, before, dense: { ...before, rows: before.rows + work.nPrefill } };
  });
  const keeps = tokens && keptOfLayer(tokens, layer, rows.map(({ dense }) => dense.rows));
  const heads = rows.map((own, kvHead) => {
    const nRows = own.dense.rows;
    const least = tokens ? leastRows(tokens, { layer, kvHead, nRows }) : nRows;
    return { ...own, keep: keeps?.[kvHead] ?? nRows, least };
  });
  const evicts = heads.some(({ dense, least }) => least < dense.rows);
  return heads.map(({ keep, least: _, ...head }) => {
    const expanded = evicts ? expandedRows(shape, head.dense) : head.dense;
    const evicted = evictedRows(expanded, keep);
    const unmasked = unmaskedRows(shape, evicted);
    return {
      ...head,
      expanded,
      evicted,
      evicts,
      unmasked,
      after: movedRows(shape, layer, unmasked),
    };
  });
}

/** The rows of every head once `nPrefill` rows have come and were compressed; at most these. */
export function rowsAfter(
  shape: ForecastShape,
  work: { readonly start: readonly HeadRows[]; readonly nPrefill: number },
): HeadRows[] {
  return Array.from({ length: shape.nLayers }, (_, layer) => layerStages(shape, layer, work))
    .flat().map(({ after }) => after);
}

/** The most bytes of pages that a slot holds at once while the work is done. */
export function forecastPeak(shape: ForecastShape, work: ForecastWork): number {
  const bytes = new PageBytes(shape);
  const layers = Array.from(
    { length: shape.nLayers },
    (_, layer) => layerStages(shape, layer, work),
  );
  const total = (stages: readonly HeadStages[], rows: (stage: HeadStages) => HeadRows) =>
    stages.reduce((sum, stage) => sum + bytes.head(stage.head, rows(stage)), 0);
  const { order, nDecode } = work;
  let now = total(layers.flat(), (s) => order === "chunked" ? s.dense : s.before);
  let peak = now;
  const rise = (more: number) => peak = Math.max(peak, now + more);
  // Heads that share a budget, or need less of it, cut it where they like: a started page more of each
  // stream, and what waits to be coded.
  const { floor = null, enough = null, blockRows = 1 } = shape.tokens ?? {};
  const isExact = floor === null && enough === null && blockRows === 1;
  // A layer of which no channel leaves stays in one segment.
  const counts = [shape.channels, shape.valueChannels].some((cut) => cut?.enough);
  const ragged = isExact && !counts ? 0 : shape.nKvHeads * bytes.started;
  for (const stages of layers) {
    if (order === "layered") {
      now += total(stages, (s) => s.dense) - total(stages, (s) => s.before);
      rise(0);
    }
    const evicted = total(stages, (s) => s.evicted);
    const evicts = stages.some((stage) => stage.evicts);
    if (evicts) {
      rise(stages.reduce((sum, s) => sum + bytes.expanded(s.dense, s.expanded), 0));
      now += total(stages, (s) => s.expanded) - total(stages, (s) => s.dense);
      // Rows that lay by class are then put in the order of their tokens.
      if (shape.classes && stages.some((s) => s.dense.key > 0)) {
        rise(total(stages, (s) => s.expanded));
      }
      now += evicted + ragged - total(stages, (s) => s.expanded);
    }
    rise(stages.reduce((sum, s) => sum + bytes.expanded(s.evicted, s.unmasked), 0));
    now += total(stages, (s) => s.unmasked) - evicted;
    rise(stages.reduce((sum, s) => sum + bytes.moved(s.head, s.unmasked, s.after), 0));
    now += total(stages, (s) => s.after) - total(stages, (s) => s.unmasked) +
      (evicts || !counts ? 0 : ragged);
  }
  const after = layers.map((stages) => stages.map((stage) => stage.after));
  const evictsDecoded = shape.tokens !== null && shape.tokens.every > 0;
  const decoded = (evictsDecoded ? evictingPeak : flushingPeak)(shape, bytes, after, nDecode);
  return Math.max(peak, decoded + shape.nLayers * ragged);
}
