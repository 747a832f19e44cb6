/** Rows of caches whose rows are coded in two classes, and the scores that decide between these, in f64. */

import type { HeadAt } from "../src/engine/cache_shape.ts";
import type { Engine } from "../src/engine/engine.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { meetScoresReference, tokenScoresReference } from "../src/reference/mod.ts";
import { segmentRows, segmentsOfStream, valueMean } from "./_cached_rows.ts";

export const STREAMS = ["key", "value"] as const;
export type Rows = readonly (readonly number[])[];

/** The rows of every segment of a head: [key or value][segment]. */
export const headRows = (engine: Engine, at: HeadAt): Promise<Rows[][]> =>
  Promise.all(
    STREAMS.map((stream) =>
      Promise.all(
        segmentsOfStream(engine, stream).map((segment) => segmentRows(engine, at, segment)),
      )
    ),
  );

export const everyHead = ({ cache }: Engine, slot: number) =>
  Array.from({ length: cache.nHeadsPerSlot }, (_, head): HeadAt => ({ slot, head }));

/** What the last queries of a KV head's query heads give each full row, in f64: a reading of THINK.md. */
export async function scoresOf(
  engine: Engine,
  at: HeadAt,
  [keys, values]: Rows[][],
): Promise<Float64Array> {
  const { classes, config: { nLayers, nHeads, nKvHeads, headDim } } = engine.plan.inputs;
  const places = classes!.window;
  const { buffer, offset } = engine.plan.buffers.rings.get(places)!;
  const group = nHeads / nKvHeads;
  const nTokens = engine.cache.tokensOf(at.slot);
  const n = Math.min(places, nTokens);
  const queryPositions = Array.from({ length: n }, (_, i) => nTokens - n + i);
  const first = (at.slot * nLayers * nHeads + at.head * group) * places * headDim;
  const bytes = await engine.device.read(
    buffer,
    (offset ?? 0) + 4 * first,
    4 * group * places * headDim,
  );
  const ring = new Float32Array(bytes.slice().buffer);
  const queries = Array.from(
    { length: group },
    (_, g) =>
      queryPositions.map((position) =>
        ring.subarray((g * places + position % places) * headDim).subarray(0, headDim)
      ),
  );
  const all = keys!.flat();
  const full = all.length - keys!.at(-1)!.length;
  const scores = tokenScoresReference({
    ...{ queries, queryPositions, keys: all, values: values!.flat(), context: {} },
    // Rows in classes come before every query, wherever they lie.
    positions: all.map((_, place) => place),
    scale: 1 / Math.sqrt(headDim),
    score: (row) => [(row as { weights: number[] }).weights.reduce((a, b) => a + b, 0)],
  });
  return meetScoresReference(scores.map((of) => of.slice(full)), {
    ...{ group: "mean", pool: null, first: 0, last: 0 },
  });
}

/** The rows of every segment of a head's values as they read, zeros for channels that all have lost. */
export const readValues = async (engine: Engine, at: HeadAt): Promise<Rows[]> => {
  const [, values] = await headRows(engine, at);
  const segments = segmentsOfStream(engine, "value");
  const isEmpty = (s: number) => segments[s]!.segment.channels === "none";
  const mean = segments.some((_, s) => isEmpty(s)) ? await valueMean(engine, at) : [];
  const { headDim, nKvHeads } = engine.cache.shape;
  const layers = await keptChannelsOf(engine, at.slot);
  const { keptValueChannels } = layers[Math.floor(at.head / nKvHeads)]!.heads[at.head % nKvHeads]!;
  const spread = (row: readonly number[]) => {
    const whole = new Array<number>(headDim).fill(0);
    row.forEach((x, i) => whole[keptValueChannels![i]!] = x);
    return whole;
  };
  return values!.map((rows, s) => {
    if (isEmpty(s)) return rows.map(() => mean);
    return segments[s]!.segment.channels === "list" ? rows.map(spread) : rows;
  });
};
