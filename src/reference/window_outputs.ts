/** What attention makes for the last queries of a head, and scores of its channels: f64 as they are defined. */

import { attentionReference } from "./attention.ts";
import type { HookRunner } from "./hooks.ts";

/** The last queries of one head, and the rows that they see. */
export interface Window {
  /** f64 [headDim] each, oldest first; the last one's position is `nTokens` − 1. */
  readonly queries: readonly ArrayLike<number>[];
  readonly nTokens: number;
  readonly keys: readonly ArrayLike<number>[];
  readonly values: readonly ArrayLike<number>[];
  /** True position of each row; absent: row i has position i. */
  readonly positions?: readonly number[];
  readonly scale: number;
}

/**
 * One output per query, f64 [headDim]: softmax(q·kᵀ/√headDim)·v over the rows up to its position.
 *
 * Source: arXiv:2407.21018, appendix on values.
 */
export function windowOutputsReference(
  { queries, nTokens, ...rows }: Window,
): Float64Array[] {
  return queries.map((q, i) =>
    attentionReference({
      ...{ q, ...rows },
      score: (s) => [s as number],
      mask: (_, context) => {
        const { keyPosition, queryPosition } = context as Record<string, number>;
        return [keyPosition! <= queryPosition!];
      },
      context: { queryPosition: nTokens - queries.length + i },
    })
  );
}

/**
 * The score of every value channel of a KV head: that of each query head's outputs, then their mean or the
 * largest.
 *
 * @param heads outputs of the group's query heads
 * @returns f64 [headDim]
 */
export function outputScoresReference(
  heads: readonly (readonly ArrayLike<number>[])[],
  { score, group, context }: {
    readonly score: HookRunner;
    readonly group: "mean" | "max";
    /** The hook's context without `channel`. */
    readonly context: Readonly<Record<string, unknown>>;
  },
): Float64Array {
  return Float64Array.from({ length: heads[0]![0]!.length }, (_, channel) => {
    const scores = heads.map((outputs) =>
      score(outputs.map((row) => row[channel]!), { ...context, channel })[0] as number
    );
    return group === "max"
      ? Math.max(...scores)
      : scores.reduce((a, b) => a + b, 0) / scores.length;
  });
}
