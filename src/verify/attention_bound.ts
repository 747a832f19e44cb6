/**
 * How far f32 may take an attention output from the reference: the rounding of every logit, passed through
 * the variant's score and the exponential, and of the sums behind it. First order, per channel.
 */

import type { AttentionQuery } from "../reference/attention.ts";
import type { SeenRows } from "./state_rows.ts";
import type { RoundedHook } from "./hooks.ts";
import { roundedLogit, softmaxBound, TINY } from "./softmax_bound.ts";
import type { RoundedLogit, RoundedSoftmax } from "./softmax_bound.ts";
import { HALF_ULP } from "./rounding.ts";

/** A query over rows some of which may be read from codes. */
export interface SizedQuery extends AttentionQuery {
  readonly sizes?: NonNullable<SeenRows["sizes"]>;
}

/** One visible key's logit. */
interface VisibleLogit extends RoundedLogit {
  readonly row: number;
}

/**
 * The largest |f32 − exact| of each output channel, f64 [headDim]; 0 where nothing is visible. A key whose
 * mask depends on rounding may count or not.
 */
export function attentionBound(query: SizedQuery, rounded: RoundedHook): Float64Array {
  const { q, values, sizes } = query;
  const bound = new Float64Array(q.length);
  const seen = weightsBound(query, rounded);
  if (seen === null) return bound;
  const { weights, errors } = seen.softmax;
  seen.rows.forEach((row, i) => {
    const value = sizes?.values[row] ?? values[row]!;
    // What is read from codes is a product and a sum of its own.
    const error = errors[i]! + (sizes ? 3 * HALF_ULP * weights[i]! : 0);
    for (let c = 0; c < bound.length; c++) bound[c]! += error * Math.abs(value[c]!);
  });
  return bound.map((x) => x + TINY);
}

/** The softmax of a query over the rows that it may see, ascending, with bounds; null: none. */
export function weightsBound(
  query: Omit<SizedQuery, "values">,
  rounded: RoundedHook,
): { readonly rows: readonly number[]; readonly softmax: RoundedSoftmax } | null {
  const logits = logitsOf(query, rounded);
  if (logits.length === 0) return null;
  return { rows: logits.map(({ row }) => row), softmax: softmaxBound(logits) };
}

function logitsOf(query: Omit<SizedQuery, "values">, rounded: RoundedHook): VisibleLogit[] {
  const { q, keys, sizes, positions, scale, mask, context } = query;
  const logits: VisibleLogit[] = [];
  keys.forEach((key, row) => {
    const inside = { ...context, keyPosition: positions?.[row] ?? row };
    const s = roundedLogit(q, key, scale, sizes?.keys[row]);
    const seen = [s.value, s.value - s.error, s.value + s.error].map((x) => mask(x, inside)[0]);
    if (!seen.includes(true)) return;
    const [logit] = rounded(s, inside);
    const error = seen.includes(false) ? 1 + logit!.error : logit!.error;
    logits.push({ row, value: logit!.value as number, error });
  });
  return logits;
}
