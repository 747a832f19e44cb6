/**
 * How many rows heads keep by a tokens step's numbers, whatever the scores: a count, a share, a table or a
 * function of the head, never less than the rows that are protected.
 */

import { amountOf } from "../dsl/accumulator.ts";
import { removedCount } from "./removed_count.ts";
import type { TokensPlan } from "./tokens_plan.ts";

/** Rows that a head keeps by itself of the `keep` that it brings where heads share their budgets. */
export function floorRows({ first, last, floor }: TokensPlan, keep: number): number {
  const fixed = Math.min(keep, first + last);
  return fixed + Math.floor((floor ?? 1) * (keep - fixed));
}

/** A head among the rows of a slot. */
export interface HeadRows {
  readonly layer: number;
  readonly kvHead: number;
  readonly nRows: number;
}

/** The most that the declared budget gives a head. */
export function wantedRows(
  { step: { keep, remove }, params, tables, dims }: TokensPlan,
  { layer, kvHead, nRows }: HeadRows,
): number {
  if (keep === undefined && remove === undefined) return nRows;
  if (remove !== undefined) return nRows - removedCount(amountOf(remove, params), nRows);
  if (typeof keep === "function") {
    const { nLayers, nHeads, nKvHeads, headDim } = dims;
    return Math.floor(
      keep({ ...params, nLayers, nHeads, nKvHeads, headDim, layer, kvHead, nRows }),
    );
  }
  const table = typeof keep === "string" ? tables[keep] : undefined;
  return table ? table[layer * dims.nKvHeads + kvHead]! : amountOf(keep!, params);
}

/** A head's budget: at least its protected rows, whether or not it has as many. */
export function budgetRows(plan: TokensPlan, head: HeadRows): number {
  const { multiple } = plan;
  const wanted = Math.ceil(wantedRows(plan, head) / multiple) * multiple;
  return Math.max(1, plan.first + plan.last, wanted);
}

/** Rows that a head keeps whatever the scores, if it has as many. */
export const leastRows = (plan: TokensPlan, head: HeadRows): number =>
  plan.enough === null
    ? budgetRows(plan, head)
    : Math.min(budgetRows(plan, head), Math.max(1, plan.first + plan.last, plan.enough.least));

/**
 * Rows that a head keeps of those it has: in the mean of a layer, where heads share their budgets; at most,
 * where scores say what is enough; at most in the mean, where both do.
 */
export const keptRows = (plan: TokensPlan, head: HeadRows): number =>
  Math.min(head.nRows, budgetRows(plan, head));

/**
 * Whether the heads of a layer are always left with as many rows each. Budgets that are functions are tried
 * with numbers of rows that double up to the context.
 */
export function keepsAlike(plan: TokensPlan): boolean {
  if (plan.floor !== null || plan.enough || plan.blockRows > 1) return false;
  const { nLayers, nKvHeads, nCtx } = plan.dims;
  for (let layer = 0; layer < nLayers; layer++) {
    for (let nRows = nCtx; nRows >= 1; nRows = Math.floor(nRows / 2)) {
      for (let kvHead = 1; kvHead < nKvHeads; kvHead++) {
        const own = keptRows(plan, { layer, kvHead, nRows });
        if (own !== keptRows(plan, { layer, kvHead: 0, nRows })) return false;
      }
    }
  }
  return true;
}
