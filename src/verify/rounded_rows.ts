/**
 * Attention that rounds what meets the cache, on one query: the reference's answer, and how far f32 may take a kernel
 * from it. First order; bytes and bf16 that may be rounded either way count as if they all were.
 */

import { attentionQ8Reference } from "../reference/attention_q8.ts";
import type { RowCodes } from "../reference/attention_q8.ts";
import { weightsBound } from "./attention_bound.ts";
import type { SizedQuery } from "./attention_bound.ts";
import type { SeenRows } from "./state_rows.ts";
import type { CodedRows } from "./coded_rows.ts";
import type { RoundedHook } from "./hooks.ts";
import { HALF_ULP } from "./rounding.ts";

/** How far a weight that is rounded behind may be off, in halves of a unit: 4e-6 of itself, and of its sum. */
const COARSE = 2 * 68;

/**
 * A head's rows with the sizes that rounding goes by where bytes meet codes: what a byte lacks counts at the
 * codes' centre, whatever the code, so that the largest code stands for all.
 */
export const sizedByLargest = (
  { keys, values, ...rows }: SeenRows,
  { keyCodes, valueCodes }: CodedRows,
): SeenRows => ({
  ...{ ...rows, keys, values },
  sizes: { keys: sizesOf(keys, keyCodes), values: sizesOf(values, valueCodes) },
});

const sizesOf = (rows: SeenRows["keys"], codes: readonly RowCodes[]) =>
  rows.map((row, i) => {
    const sizes = row.map(Math.abs);
    const own = codes[i]!;
    if (own !== null && own !== "halves") {
      own.forEach(({ channel, scale, minimum, bits }) =>
        sizes[channel] = scale * (2 ** bits - 1) + Math.abs(minimum)
      );
    }
    return sizes;
  });

/**
 * The output of one query, f64 [headDim], and the largest |f32 − exact| of each channel; 0 where nothing is visible.
 *
 * Bytes and bf16 go by a weight against another one, which both may be off by what the farthest logit is; so may be, by
 * as much, what a byte counts for.
 *
 * @param query its rows {@linkcode sizedByLargest}
 */
export function roundedAnswer(
  query: SizedQuery,
  codes: CodedRows,
  rounded: RoundedHook,
): { out: Float64Array; errors: Float64Array } {
  const seen = weightsBound(query, rounded);
  if (seen === null) {
    return { out: new Float64Array(query.q.length), errors: new Float64Array(query.q.length) };
  }
  const { rows, softmax: { largest, weights, errors } } = seen;
  const weightError = 2 * largest.error + (64 + COARSE) * HALF_ULP;
  const { out, ties: bound } = attentionQ8Reference({ ...query, ...codes, weightError });
  rows.forEach((row, i) => {
    const error = errors[i]! + weightError * weights[i]!;
    query.sizes!.values[row]!.forEach((size, c) => bound[c]! += error * size);
  });
  return { out, errors: bound };
}
