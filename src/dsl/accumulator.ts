/**
 * Declared accumulators: statistics of the rows a sequence has seen, carried across prefill chunks and
 * decode steps. What one holds depends on the rows and their positions, never on how they were cut into
 * steps. init, update and finish are its meaning in f64; a kernel is the same on a device.
 */

import type { Column, f32 } from "./types.ts";

/** A number, or the name of the parameter that holds it. */
export type Amount = number | string;

/** A number that follows from the parameters. */
export type Derived = (values: Readonly<Record<string, number>>) => number;

/** The number an amount stands for. */
export function amountOf(
  amount: Amount | Derived,
  values: Readonly<Record<string, number>>,
): number {
  if (typeof amount === "function") return amount(values);
  return typeof amount === "number" ? amount : values[amount]!;
}

/** An accumulator over the queries of one head after RoPE; `S` is its state. */
export interface Accumulator<S> {
  readonly kind: "accumulator";
  readonly name: string;
  readonly of: "query";
  readonly at: "afterRope";
  /** Rows it remembers at most. */
  readonly rows: Amount;
  /** The state before the first row; `rows` resolved. */
  readonly init: (rows: number) => S;
  /** The state with the row at `position` seen; row f32 [headDim]. May change the state in place. */
  readonly update: (state: S, row: ArrayLike<f32>, position: number) => S;
  /** What a score reads of channel `channel`: one value per remembered row, oldest first. */
  readonly finish: (state: S, channel: number) => Column;
}

/** A ring of rows; `seen` counts all that came. */
export interface RowRing {
  readonly places: (ArrayLike<f32> | undefined)[];
  readonly seen: number;
}

/**
 * The last `rows` queries of a head: row p goes to place p mod rows. Kernel `append_recording` keeps this
 * ring beside what `append` does.
 *
 * @param rows a count, or the name of the parameter that holds it
 *
 * @example
 * ```ts
 * import { lastQueries } from "kerf/dsl";
 * const two = lastQueries(2);
 * let state = two.init(2);
 * for (let p = 0; p < 3; p++) state = two.update(state, [10 * p], p);
 * const values = Array.from(two.finish(state, 0));
 * if (values.join() !== "10,20") throw new Error("the last two rows are those of 1 and 2");
 * ```
 */
export function lastQueries(rows: Amount): Accumulator<RowRing> {
  const ring: Accumulator<RowRing> = {
    kind: "accumulator",
    name: "lastQueries",
    of: "query",
    at: "afterRope",
    rows,
    init: (n) => ({ places: new Array(n).fill(undefined), seen: 0 }),
    update: ({ places }, row, position) => {
      places[position % places.length] = row;
      return { places, seen: position + 1 };
    },
    finish: ({ places, seen }, channel) => {
      const n = Math.min(seen, places.length);
      return Array.from({ length: n }, (_, i) => places[(seen - n + i) % places.length]![channel]!);
    },
  };
  return Object.freeze(ring);
}

/** An accumulator over the rows of one KV head's cache, each of which carries its own state. */
export interface RowStatistic<S> {
  readonly kind: "statistic";
  readonly name: "columnSums";
  readonly of: "weights";
  /** A row's state before the first query that sees it. */
  readonly init: () => S;
  /** The state once one more query head of the group gave the row this softmax weight. */
  readonly update: (state: S, weight: f32) => S;
  /** What a score reads of it; `groupSize` query heads share the KV head. */
  readonly finish: (state: S, groupSize: number) => f32;
}

/**
 * Column sums of attention: what all queries since a row came have given it, each query by the softmax over
 * the rows it saw, in the mean of the group's query heads. A score reads it as `attention`. Kernel
 * `attention_NAME_sums` adds a step's queries in order, one f32 sum a row, which moves with the row.
 *
 * Source: H2O, arXiv:2306.14048, section 4.
 *
 * @example
 * ```ts
 * import { columnSums } from "kerf/dsl";
 * const sums = columnSums();
 * const state = [0.5, 0.25].reduce(sums.update, sums.init());
 * if (sums.finish(state, 2) !== 0.375) throw new Error("the mean of two heads");
 * ```
 */
export function columnSums(): RowStatistic<number> {
  const sums: RowStatistic<number> = {
    kind: "statistic",
    name: "columnSums",
    of: "weights",
    init: () => 0,
    update: (sum, weight) => sum + weight,
    finish: (sum, groupSize) => sum / groupSize,
  };
  return Object.freeze(sums);
}

/** Mean and covariance of a head's queries before RoPE: `n` rows, their mean, the sum of (q − mean)(q − mean)ᵀ. */
export interface Moments {
  readonly n: number;
  /** f64 [headDim] */
  readonly mean: Float64Array;
  /** f64 [headDim, headDim] */
  readonly products: Float64Array;
}

/** The mean of some positions' rotations: f64 [headDim/2] each. */
export interface Rotation {
  readonly cos: ArrayLike<number>;
  readonly sin: ArrayLike<number>;
}

/** An accumulator over the queries of one head before RoPE. */
export interface QueryMoments {
  readonly kind: "statistic";
  readonly name: "queryMoments";
  readonly of: "query";
  readonly at: "beforeRope";
  /** First positions of a sequence that are left out. */
  readonly skip: Amount;
  /** Positions after the last query whose mean rotation meets the queries. */
  readonly ahead: Amount;
  readonly init: (headDim: number) => Moments;
  /** The state with one more row, which is none of the first `skip`; row f32 [headDim]. */
  readonly update: (state: Moments, row: ArrayLike<f32>) => Moments;
  /** The logarithm of what a query of these moments is expected to give a key, but for its softmax's sum. */
  readonly finish: (state: Moments, key: ArrayLike<f32>, rotation: Rotation) => f32;
}

/**
 * Mean μ and covariance Σ of the queries, for the attention that later ones are expected to pay: rotated to
 * the mean of the next `ahead` positions, e^(μᵀk/√d + kᵀΣk/2d), in a softmax over the rows that may leave,
 * in the mean of the group's heads. A score reads it as `expected`. Kernel `query_moments` adds a step's
 * queries in order, f32, as differences from the first one.
 *
 * Source: Expected Attention, arXiv:2510.00636, section 3.
 *
 * @example
 * ```ts
 * import { queryMoments } from "kerf/dsl";
 * const moments = queryMoments({ skip: 0, ahead: 1 });
 * const state = [[1, 0], [3, 0]].reduce(moments.update, moments.init(2));
 * const still = { cos: [1], sin: [0] };
 * // μ = (2, 0), Σ = diag(1, 0): 2/√2 + 1/4
 * if (Math.abs(moments.finish(state, [1, 0], still) - 1.6642) > 1e-4) throw new Error("wrong");
 * ```
 */
export function queryMoments(
  { skip, ahead }: { readonly skip: Amount; readonly ahead: Amount },
): QueryMoments {
  const moments: QueryMoments = {
    kind: "statistic",
    name: "queryMoments",
    of: "query",
    at: "beforeRope",
    ...{ skip, ahead },
    init: (headDim) => ({
      n: 0,
      mean: new Float64Array(headDim),
      products: new Float64Array(headDim * headDim),
    }),
    update: (state, row) => {
      const n = state.n + 1;
      const far = state.mean.map((mean, c) => row[c]! - mean);
      const mean = state.mean.map((old, c) => old + far[c]! / n);
      const d = mean.length;
      const products = state.products.map((sum, i) =>
        sum + far[Math.floor(i / d)]! * (row[i % d]! - mean[i % d]!)
      );
      return { n, mean, products };
    },
    finish: ({ n, mean, products }, key, { cos, sin }) => {
      const d = mean.length;
      const half = d / 2;
      // A rotated query meets a key as the query meets the key turned back.
      const back = Float64Array.from({ length: d }, (_, c) => {
        const [a, b] = [key[c % half]!, key[half + c % half]!];
        return c < half ? cos[c]! * a + sin[c]! * b : cos[c - half]! * b - sin[c - half]! * a;
      });
      const dot = mean.reduce((sum, x, c) => sum + x * back[c]!, 0);
      const square = products.reduce(
        (sum, x, i) => sum + x * back[Math.floor(i / d)]! * back[i % d]!,
        0,
      );
      return dot / Math.sqrt(d) + square / n / (2 * d);
    },
  };
  return Object.freeze(moments);
}

/** What a token step may declare beside the queries that it remembers. */
export type Statistic = RowStatistic<number> | QueryMoments;
