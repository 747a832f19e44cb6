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
