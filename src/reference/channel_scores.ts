/**
 * The scores of one KV head's channels in f64: the author's score of every query head's column against
 * the keys' column, then the group's mean or largest.
 */

import type { HookRunner } from "./hooks.ts";

/** One KV head's queries and keys. */
export interface ChannelScoresInput {
  /** Per query head of the group, the window's queries: rows of [headDim]. */
  readonly queries: readonly (readonly ArrayLike<number>[])[];
  /** Every row of [headDim] that the score sees. */
  readonly keys: readonly ArrayLike<number>[];
  readonly headDim: number;
  readonly group: "mean" | "max";
  readonly score: HookRunner;
  /** The hook's context without `channel`. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** f64 [headDim]; higher keeps. */
export function channelScoresReference(input: ChannelScoresInput): Float64Array {
  const { queries, keys, headDim, group, score, context } = input;
  return Float64Array.from({ length: headDim }, (_, channel) => {
    const k = keys.map((row) => row[channel]!);
    const scores = queries.map((window) =>
      score(window.map((row) => row[channel]!), k, { ...context, channel })[0] as number
    );
    if (group === "max") return scores.reduce((a, b) => Math.max(a, b));
    return scores.reduce((a, b) => a + b) / scores.length;
  });
}
