/** How far f32 may take the scores of rows from the author's, by what they read beside the rows. */

import { roundedHook } from "./hooks.ts";
import { HALF_ULP } from "./rounded_op.ts";
import type { Rounded } from "./rounding.ts";
import { TINY } from "./softmax_bound.ts";
import { attentionOf, expectedOf } from "./token_score_inputs.ts";
import type { TokenStage } from "./token_stage.ts";
import { anchorDot } from "./window_stage.ts";
import type { RoundedAnchor, WindowRow } from "./window_stage.ts";
import { AT } from "./written_cache.ts";

/** What scores read beside rows, of all heads. */
export interface Beside {
  /** Per query head; empty where the score reads no weights. */
  readonly windows: readonly (readonly WindowRow[])[];
  /** Per KV head; empty without an anchor. */
  readonly anchors: readonly RoundedAnchor[];
}

/** How far f32 may take each of a list's scores. */
export function scoreBounds(
  stage: TokenStage,
  list: number,
  { windows, anchors }: Beside,
): Float64Array {
  const { problem: { shape }, tokens: { source, path, values }, heads } = stage;
  const window = windows[list];
  const kvHead = window ? Math.floor(list / shape.group) : list;
  const { keys, values: rows, positions } = heads[kvHead]!;
  const rounded = roundedHook(source, path);
  const context = { ...values.context, layer: AT.layer, kvHead };
  const weights = window && weightColumns(window, keys.length);
  const anchor = anchors[kvHead];
  const attention = attentionOf(stage, kvHead);
  const expected = expectedOf(stage, kvHead);
  const { from, scored } = stage.candidates[kvHead]!;
  return Float64Array.from({ length: scored }, (_, i) => {
    const row = from + i;
    const key = keys[row]!;
    const inside: Record<string, unknown> = {
      ...{ ...context, position: positions?.[row] ?? row },
      anchorDot: anchor ? anchorDot(key, anchor) : 0,
      anchorNorm: anchor ? anchor.norm : 0,
      // A quotient is at most eight half units off on any target.
      attention: { value: attention[row]!, error: 8 * HALF_ULP * attention[row]! },
      expected: expected[row]!,
    };
    const seen = { key, value: rows[row]!, weights: weights?.[row] ?? [] };
    const [score] = rounded(seen, inside) as [Rounded];
    return score.error + (weights ? TINY : 0);
  });
}

/** Per row the weights that the queries give it, with bounds; a row that one does not see weighs 0. */
function weightColumns(window: readonly WindowRow[], nRows: number) {
  const columns = Array.from({ length: nRows }, () => ({
    elements: new Float64Array(window.length),
    errors: new Float64Array(window.length),
  }));
  window.forEach(({ rows, softmax }, query) =>
    rows.forEach((row, i) => {
      columns[row]!.elements[query] = softmax!.weights[i]!;
      columns[row]!.errors[query] = softmax!.errors[i]!;
    })
  );
  return columns;
}
