/**
 * Attention as its definition reads, in f64, one query at a time: every logit, one softmax, one weighted
 * sum. Keys are whole rows; a channel that a segment does not store is a zero, whatever the layout.
 */

import type { HookRunner } from "./hooks.ts";

/** One query of one head, and what it may look at. */
export interface AttentionQuery {
  /** f64 [headDim] */
  readonly q: ArrayLike<number>;
  /** One row of [headDim] per key, in order of position. */
  readonly keys: readonly ArrayLike<number>[];
  /** True position of each key; absent: key i has position i. */
  readonly positions?: readonly number[];
  readonly values: readonly ArrayLike<number>[];
  /** What q·k is multiplied by: 1 / √headDim of the model, not of the channels kept. */
  readonly scale: number;
  readonly score: HookRunner;
  readonly mask: HookRunner;
  /** The hooks' context without keyPosition: positions, heads, parameters, tables. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** A query's softmax: the weight of every key, 0 where the mask hides it, and what the weights are made of. */
export interface QuerySoftmax {
  /** f64 [keys] */
  readonly weights: Float64Array;
  /** −Infinity when no key is seen. */
  readonly largest: number;
  /** Of e^(logit − largest). */
  readonly sum: number;
}

/** The softmax of a query over its keys. */
export function softmaxReference(query: Omit<AttentionQuery, "values">): QuerySoftmax {
  const { q, keys, positions, scale, context } = query;
  const logits = Float64Array.from(keys, (key, row) => {
    let dot = 0;
    for (let c = 0; c < q.length; c++) dot += q[c]! * key[c]!;
    const inside = { ...context, keyPosition: positions?.[row] ?? row };
    if (!query.mask(dot * scale, inside)[0]) return -Infinity;
    return query.score(dot * scale, inside)[0] as number;
  });
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  if (largest === -Infinity) return { weights: new Float64Array(keys.length), largest, sum: 0 };
  const weights = logits.map((logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return { weights: weights.map((weight) => weight / sum), largest, sum };
}

/**
 * The output row, f64 [headDim]; zeros when the mask lets nothing through (THINK.md, oracle 7).
 *
 * Source: arXiv:1706.03762, eq. 1.
 */
export function attentionReference(query: AttentionQuery): Float64Array {
  const { q, values } = query;
  const out = new Float64Array(q.length);
  softmaxReference(query).weights.forEach((weight, row) => {
    for (let c = 0; c < out.length; c++) out[c]! += weight * values[row]![c]!;
  });
  return out;
}
