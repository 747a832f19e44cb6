/** Whether a step fits into the buffers of its plan and the cache behind its positions. */

import type { PlanInputs } from "./plan_inputs.ts";
import { logitRows } from "./step.ts";
import type { StepSequence } from "./step.ts";

/** @throws {RangeError} a step of these sequences is larger than its plan's limits */
export function checkLimits(
  { cache, limits }: PlanInputs,
  sequences: readonly Omit<StepSequence, "nSplits">[],
): void {
  const { nRows, nSeqs, nLogits, nCtx } = limits;
  const rows = sequences.map(({ tokens }) => tokens.length);
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  const { positions } = cache.shape.layout;
  const end = Math.max(...sequences.map(({ slot, position, tokens }) =>
    // Keys that are rotated by their places need no position beyond them.
    (positions === "cache" ? cache.rowsOf({ slot, head: 0 }) : position) + tokens.length
  ));
  for (
    const [what, asked, limit] of [
      ["rows", sum(rows), nRows],
      ["sequences", sequences.length, nSeqs],
      ["rows with logits", sum(sequences.map(logitRows)), nLogits],
      ["positions", end, nCtx],
    ] as const
  ) {
    if (asked > limit) {
      throw new RangeError(`Cannot run a step of ${asked} ${what}: the plan holds ${limit}`);
    }
  }
}
