/**
 * Token scores as their definition reads, in f64: the softmax of the remembered queries over all rows, the
 * author's score of each row, pooling, and the meeting of heads. A reading of THINK.md section 3.
 */

import type { HookRunner } from "./hooks.ts";

/** One KV head's rows and what its query heads remember. */
export interface TokenScoresInput {
  /** Per query head of the group: rows of [headDim], oldest first. */
  readonly queries: readonly (readonly ArrayLike<number>[])[];
  /** True positions of those queries. */
  readonly queryPositions: readonly number[];
  /** Rows of [headDim] in order of position; channels that are not stored are 0. */
  readonly keys: readonly ArrayLike<number>[];
  readonly values: readonly ArrayLike<number>[];
  /** True position of each row. */
  readonly positions: readonly number[];
  /** What each row's column sums read as, where the step declares them. */
  readonly attention?: readonly number[];
  /** What each row is expected to get, where the step declares moments of queries. */
  readonly expected?: readonly number[];
  /** 1 / √headDim. */
  readonly scale: number;
  readonly score: HookRunner;
  /** The hook's context without position, anchor, attention and expected. */
  readonly context: Readonly<Record<string, unknown>>;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** The mean of the keys, each divided by its norm: f64 [headDim]. A key of norm 0 adds nothing. */
export function meanUnitKeyReference(keys: readonly ArrayLike<number>[]): Float64Array {
  const mean = new Float64Array(keys[0]!.length);
  for (const key of keys) {
    const norm = Math.sqrt(dot(key, key));
    if (norm > 0) mean.forEach((_, c) => mean[c]! += key[c]! / norm / keys.length);
  }
  return mean;
}

/** Softmax weights of one head's queries, causal by position: [query][row]. */
export function windowWeightsReference(
  { queryPositions, keys, positions, scale }: TokenScoresInput,
  queries: readonly ArrayLike<number>[],
): Float64Array[] {
  return queries.map((query, i) => {
    const logits = keys.map((key, row) =>
      positions[row]! <= queryPositions[i]! ? dot(query, key) * scale : -Infinity
    );
    const largest = Math.max(...logits);
    if (largest === -Infinity) return new Float64Array(keys.length);
    const weights = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  });
}

/** The author's score of every row, per query head: f64 [group][rows]. */
export function tokenScoresReference(input: TokenScoresInput): Float64Array[] {
  const { queries, keys, values, positions, score, context } = input;
  const anchor = meanUnitKeyReference(keys);
  return queries.map((window) => {
    const weights = windowWeightsReference(input, window);
    return Float64Array.from(keys, (key, row) => {
      const inside = {
        ...context,
        position: positions[row]!,
        anchorDot: dot(key, anchor),
        anchorNorm: Math.sqrt(dot(anchor, anchor)),
        attention: input.attention?.[row] ?? 0,
        expected: input.expected?.[row] ?? 0,
      };
      const seen = { key, value: values[row]!, weights: weights.map((of) => of[row]!) };
      return score(seen, inside)[0] as number;
    });
  });
}

/** How scores meet, every amount resolved. */
export interface Meeting {
  readonly group: "mean" | "max";
  readonly pool: { readonly kind: "max" | "mean"; readonly width: number } | null;
  /** Rows at both ends that are no candidates. */
  readonly first: number;
  readonly last: number;
}

/** Pools each head's candidates, then joins heads: f64 [rows]; protected rows are 0. */
export function meetScoresReference(
  heads: readonly ArrayLike<number>[],
  { group, pool, first, last }: Meeting,
): Float64Array {
  const nRows = heads[0]!.length;
  const end = nRows - last;
  const reach = pool === null ? 0 : (pool.width - 1) / 2;
  const pooled = (scores: ArrayLike<number>, row: number): number => {
    const near: number[] = [];
    for (let i = Math.max(first, row - reach); i <= Math.min(end - 1, row + reach); i++) {
      near.push(scores[i]!);
    }
    if (pool?.kind !== "mean") return near.reduce((a, b) => Math.max(a, b));
    return near.reduce((a, b) => a + b) / pool.width;
  };
  return Float64Array.from({ length: nRows }, (_, row) => {
    if (row < first || row >= end) return 0;
    const scores = heads.map((head) => pooled(head, row));
    if (group === "max") return scores.reduce((a, b) => Math.max(a, b));
    return scores.reduce((a, b) => a + b) / scores.length;
  });
}
