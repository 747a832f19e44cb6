/** Channel steps: which channels of keys or values leave, and when. A step scores; the engine chooses and moves. */

import { lastQueries } from "./accumulator.ts";
import type { Accumulator, Amount, RowRing } from "./accumulator.ts";
import type { ChannelContext, ChannelScore } from "./channel_bits.ts";
import { checkLimits } from "./enough.ts";
import type { Enough } from "./enough.ts";
import type { Column, f32 } from "./types.ts";

/** What a step for channels of either stream has. */
interface ChannelsBase {
  /** How the scores of a group's query heads become the KV head's. */
  readonly group: "mean" | "max";
  /** The accumulator of the queries that score. Give this or `window`. */
  readonly queries?: Accumulator<RowRing>;
  /** Short for `queries: lastQueries(window)`. */
  readonly window?: Amount;
  /** Share of the channels removed: floor(remove · headDim). Give this or `keep`, or only `enough`. */
  readonly remove?: Amount;
  /** Channels kept: a count, or the name of a table [nLayers, nKvHeads]. */
  readonly keep?: Amount;
  /** The kept count is rounded up to a multiple of this. */
  readonly multiple?: Amount;
  /** Of the channels that `remove` or `keep` leaves, each KV head keeps only as many as its scores say. */
  readonly enough?: Enough;
  /** Rows that keep every channel. */
  readonly protect?: { readonly last?: Amount };
  /**
   * Decoded rows lose channels too: the oldest `every` as soon as so many are whole beside the protected ones,
   * and where a prefill ends as many times `every` as there are. 0, the default: where a prefill ends all but
   * the protected ones, and none while decoding.
   */
  readonly every?: Amount;
  /**
   * 1: whenever rows come to lose channels, the masks of both streams of their layer are chosen anew. Rows that
   * had lost some keep what both masks have; what else the new one has reads as zero in them, and counts as
   * that for its score. 0, the default: the first mask stays.
   */
  readonly refresh?: Amount;
}

/** What an author writes for channels of keys. */
export interface KeyChannelsSpec extends ChannelsBase {
  readonly of: "key";
  /**
   * `head`, the default: rows of a head keep the same channels, those that score highest. `row`: each row
   * keeps as many of its own, those with the largest score · (k − mean)², where the mean is the channel's
   * over the rows that were there when the first lost any; it is what a channel reads as that a row lacks.
   */
  readonly per?: "head" | "row";
  /**
   * The score of one channel.
   * q: the channel over what `queries` remembers of one query head (Column, one value per query).
   * k: the channel over all cached keys, after RoPE (Column).
   */
  readonly score: ChannelScore;
}

/** What an author writes for channels of values. */
export interface ValueChannelsSpec extends ChannelsBase {
  readonly of: "value";
  /**
   * The score of one channel.
   * output: the channel of what attention makes for one query head, over the queries that `queries`
   * remembers: softmax(q·kᵀ/√headDim)·v over all cached rows, causal (Column, one value per query).
   */
  // deno-lint-ignore no-explicit-any -- the context's parameters and tables are typed by `pruning`
  readonly score: (output: Column, context: ChannelContext & Record<string, any>) => f32;
}

/** What an author writes for a channel step. */
export type ChannelsSpec = KeyChannelsSpec | ValueChannelsSpec;

/** A channel step of a variant. */
export type ChannelsStep =
  & (Omit<KeyChannelsSpec, "window" | "queries"> | Omit<ValueChannelsSpec, "window" | "queries">)
  & { readonly kind: "channels"; readonly queries: Accumulator<RowRing> };

/**
 * Drops channels of a stream.
 *
 * @throws {TypeError} not exactly one of `remove` and `keep`, or of `queries` and `window`
 */
export function channels({ window, queries, ...spec }: ChannelsSpec): ChannelsStep {
  checkLimits("channels()", spec);
  if ((window === undefined) === (queries === undefined)) {
    throw new TypeError("Cannot declare channels(): give exactly one of `queries` and `window`");
  }
  return Object.freeze({ kind: "channels", ...spec, queries: queries ?? lastQueries(window!) });
}
