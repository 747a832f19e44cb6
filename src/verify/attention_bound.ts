/**
 * How far f32 may take an attention output from the reference: the rounding of every logit, passed through
 * the variant's score and the exponential, and of the sums behind it. First order, per channel.
 */

import type { AttentionQuery } from "../reference/attention.ts";
import type { RoundedHook } from "./hooks.ts";
import { HALF_ULP } from "./rounding.ts";

/** One visible key's logit. */
interface Logit {
  readonly row: number;
  readonly value: number;
  readonly error: number;
}

/**
 * The largest |f32 − exact| of each output channel, f64 [headDim]; 0 where nothing is visible.
 *
 * A logit is a sum of headDim products, scaled: headDim + 3 roundings of Σ|q k|. A weight e^(l − m) is off
 * by the logit's error, the subtraction's and eight half units of its own. A key whose mask depends on
 * rounding may count or not. Sums over n keys round n times, and a target may rescale what it has every
 * few keys: 4 n + 64 half units cover both sums, the merges of chunks and the division.
 */
export function attentionBound(query: AttentionQuery, rounded: RoundedHook): Float64Array {
  const { q, values } = query;
  const logits = logitsOf(query, rounded);
  const bound = new Float64Array(q.length);
  if (logits.length === 0) return bound;
  const largest = logits.reduce((max, { value }) => Math.max(max, value), -Infinity);
  const weights = logits.map(({ value }) => Math.exp(value - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  const away = logits.map(({ value, error }) =>
    Math.expm1(error + HALF_ULP * (2 * Math.abs(value - largest) + 8))
  );
  const mean = weights.reduce((total, weight, i) => total + weight / sum * away[i]!, 0);
  const sums = (4 * logits.length + 64) * HALF_ULP;
  logits.forEach(({ row }, i) => {
    const share = weights[i]! / sum * (away[i]! + mean + sums);
    for (let c = 0; c < bound.length; c++) bound[c]! += share * Math.abs(values[row]![c]!);
  });
  // Weights below what f32 holds may be zero.
  return bound.map((x) => x + 1e-30);
}

function logitsOf(query: AttentionQuery, rounded: RoundedHook): Logit[] {
  const { q, keys, scale, mask, context } = query;
  const logits: Logit[] = [];
  keys.forEach((key, row) => {
    let dot = 0, size = 0;
    for (let c = 0; c < q.length; c++) {
      const product = q[c]! * key[c]!;
      dot += product;
      size += Math.abs(product);
    }
    const inside = { ...context, keyPosition: row };
    const s = { value: dot * scale, error: (q.length + 3) * HALF_ULP * size * scale };
    const seen = [s.value, s.value - s.error, s.value + s.error].map((x) => mask(x, inside)[0]);
    if (!seen.includes(true)) return;
    const [logit] = rounded(s, inside);
    const error = seen.includes(false) ? 1 + logit!.error : logit!.error;
    logits.push({ row, value: logit!.value as number, error });
  });
  return logits;
}
