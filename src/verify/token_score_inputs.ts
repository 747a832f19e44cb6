/**
 * What scores of rows read of the past: the column sums that rows carry, and what queries to come are expected to
 * give them. The latter is made up, since the kernels that make it have a stage of their own.
 */

import { columnSums } from "../dsl/accumulator.ts";
import { N_KV_HEADS } from "./cases.ts";
import { HALF_ULP } from "./rounded_op.ts";
import { sumsOf } from "./state_rows.ts";
import type { TokenStage } from "./token_stage.ts";

/** What column sums a head's rows carry, as scores read them; 0 where none are declared. */
export function attentionOf(
  { problem: { layout, shape }, state }: TokenStage,
  kvHead: number,
): number[] {
  if (!layout.rowSums) return Array(state.heads[kvHead]!.rows).fill(0);
  return sumsOf(state, kvHead).map((sum) => columnSums().finish(sum, shape.group));
}

/** Expected logits of a query head as a step's kernels might leave them; their softmax is of these numbers. */
const expectedLogit = (head: number, row: number): number =>
  Math.fround(((row * 7 + head * 3) % 23) / 4);
const [LARGEST, WEIGHTS] = [5.5, 3];

/** What `expected` reads. */
export function expectedBuffers(stage: TokenStage) {
  const [nHeads, maxRows] = [stage.problem.shape.group * N_KV_HEADS, stage.maxRows];
  return {
    expected_logits: Float32Array.from(
      { length: nHeads * maxRows },
      (_, i) => expectedLogit(Math.floor(i / maxRows), i % maxRows),
    ),
    expected_sums: Float32Array.from({ length: 2 * nHeads }, (_, i) => i % 2 ? WEIGHTS : LARGEST),
  };
}

/** What a head's rows are expected to get: a few roundings of an exponential, a quotient and a mean each. */
export function expectedOf(
  { problem: { shape: { group } }, state }: TokenStage,
  kvHead: number,
): { readonly value: number; readonly error: number }[] {
  return Array.from({ length: state.heads[kvHead]!.rows }, (_, row) => {
    let value = 0;
    for (let head = kvHead * group; head < (kvHead + 1) * group; head++) {
      value += Math.exp(expectedLogit(head, row) - LARGEST) / WEIGHTS / group;
    }
    return { value, error: 64 * HALF_ULP * value };
  });
}
