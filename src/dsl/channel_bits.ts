/**
 * Bits per channel under a budget: what an author declares where some channels of a coded stream are worth
 * more bits than others. The choice itself is data applied in one place (kernels/ops/select_bits.ts): the
 * channels of a layer's KV heads together get the bits that lose least at the budget; where heads may keep other
 * numbers of rows, each head's own.
 */

import { lastQueries } from "./accumulator.ts";
import type { Accumulator, Amount, Derived, RowRing } from "./accumulator.ts";
import type { Column, f32, i32 } from "./types.ts";

/** What the score of a channel may read beside its two columns. */
export interface ChannelContext {
  /** 0 … nLayers − 1. */
  readonly layer: i32;
  /** 0 … nKvHeads − 1. */
  readonly kvHead: i32;
  /** 0 … headDim − 1, in half-split order: c and c + headDim/2 form a rotary pair. */
  readonly channel: i32;
}

/** A score of one channel: its queries and all of its keys after RoPE, one value a row each. */
export type ChannelScore = (
  q: Column,
  k: Column,
  // deno-lint-ignore no-explicit-any -- the context's parameters and tables are typed by `pruning`
  context: ChannelContext & Record<string, any>,
) => f32;

/** How much the errors of a row count by its score. */
export interface RowsByScore {
  /** Only where the parameter of that name is not 0; else all alike. */
  readonly scoreIf: string;
  /**
   * The share of the scores' mean in what each row counts, 0 … 1, where both classes have rows: it keeps the
   * class of low scores from going by a few of its rows. Default 0.
   */
  readonly mean?: number;
}

/** What an author writes of bits per channel. */
export interface ChannelBitsSpec {
  /** Bits that a channel may get, ascending: none, then two classes of 2, 4 or 8. */
  readonly choices: readonly [none: 0, low: 2 | 4, high: 4 | 8];
  /** Bits per channel and row on average, scales and minima included: b + 32/group, or 0. */
  readonly average: Amount | Derived;
  /** What the mean square of a channel's error costs; only ratios between channels matter. */
  readonly weight: ChannelScore;
  /**
   * How much the errors of a row count: all `alike`, or as the `score` that byRow() gives the row, of whose
   * variant this is a step too; then each class of rows gets bits of its own. Default `alike`.
   */
  readonly rows?: "alike" | "score" | RowsByScore;
  /** How the weights of a group's query heads become the KV head's. */
  readonly group: "mean" | "max";
  /** The accumulator that `q` comes from. Give this or `window`. */
  readonly queries?: Accumulator<RowRing>;
  /** Short for `queries: lastQueries(window)`. */
  readonly window?: Amount;
}

/** Bits per channel of a codes step. */
export interface ChannelBits extends Omit<Required<ChannelBitsSpec>, "window" | "queries"> {
  readonly kind: "byChannel";
  readonly queries: Accumulator<RowRing>;
}

/**
 * Gives each channel as many bits as it is worth: for `bits` of codes() of keys.
 *
 * @throws {TypeError} choices that do not ascend, a share that is none, or not exactly one of `queries` and
 * `window`
 *
 * @example
 * ```ts
 * import { byChannel, codes, meanSquare } from "kerf/dsl";
 * const bits = byChannel({
 *   choices: [0, 2, 4],
 *   average: 2.5,
 *   weight: (q) => meanSquare(q),
 *   group: "mean",
 *   window: 32,
 * });
 * const step = codes({ of: "key", bits, along: "rows", group: 64, residual: 64 });
 * if (step.bits !== bits) throw new Error("wrong");
 * ```
 */
export function byChannel({ window, queries, ...spec }: ChannelBitsSpec): ChannelBits {
  const [, low, high] = spec.choices;
  if (low >= high) {
    throw new TypeError(`Cannot declare byChannel(): choices ${spec.choices} do not ascend`);
  }
  if ((window === undefined) === (queries === undefined)) {
    throw new TypeError("Cannot declare byChannel(): give exactly one of `queries` and `window`");
  }
  const { mean = 0 } = typeof spec.rows === "object" ? spec.rows : {};
  if (!(mean >= 0 && mean <= 1)) {
    throw new TypeError(`Cannot declare byChannel(): ${mean} is no share of a mean: use 0 to 1`);
  }
  const ring = queries ?? lastQueries(window!);
  return Object.freeze({ rows: "alike", ...spec, kind: "byChannel", queries: ring });
}

/** Whether the errors of a row count as its score, and the share of the scores' mean in that where it acts. */
export const rowWeights = (
  { rows }: Pick<ChannelBits, "rows">,
  params: Readonly<Record<string, number>>,
): { readonly weighsRows: boolean; readonly meanShare: number } =>
  typeof rows === "object"
    ? { weighsRows: params[rows.scoreIf] !== 0, meanShare: rows.mean ?? 0 }
    : { weighsRows: rows === "score", meanShare: 0 };
