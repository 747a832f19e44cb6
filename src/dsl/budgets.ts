/**
 * Budgets of heads in place of one for all: which of a variant's steps has a budget that a parameter sets, and
 * the same variant with a count for every layer and KV head there. Reads declared data only.
 */

import { isScored } from "./steps.ts";
import type { Pruning, ScoredStep } from "./pruning.ts";
import { table } from "./table.ts";

/** The table that holds the counts. */
export const BUDGETS = "head_budgets";

/** A step's budget, and the parameter that sets it. */
export interface ParamBudget {
  readonly step: ScoredStep;
  /** The parameter's name. */
  readonly param: string;
  /** What is counted. */
  readonly counts: BudgetCounts;
}

/** What a budget counts of a head: its rows, or the channels of a stream. */
export type BudgetCounts = "rows" | "key channels" | "value channels";

/**
 * The first step whose `keep` or `remove` is a parameter; null: no parameter is a budget.
 *
 * @example
 * ```ts
 * import think from "../../kernels/prune/think.ts";
 * import { paramBudget } from "./budgets.ts";
 * if (paramBudget(think)?.param !== "ratio") throw new Error("think removes `ratio`");
 * ```
 */
export function paramBudget(
  { steps, params }: Pick<Pruning, "steps" | "params">,
): ParamBudget | null {
  for (const step of steps.filter(isScored)) {
    const param = step.keep ?? step.remove;
    if (typeof param !== "string" || !Object.hasOwn(params, param)) continue;
    return { step, param, counts: step.kind === "tokens" ? "rows" : `${step.of} channels` };
  }
  return null;
}

/**
 * A variant whose heads keep counts of their own in place of what its parameter says.
 *
 * @param kept u32 [nLayers, nKvHeads]; the plan holds a copy
 * @throws {TypeError} it has no such budget
 */
export function withBudgets(definition: Pruning, kept: Uint32Array): Pruning {
  const budget = paramBudget(definition);
  if (budget === null) throw new TypeError(`"${definition.name}" has no budget in a parameter`);
  const counts = table({ shape: ["nLayers", "nKvHeads"], dtype: "u32", from: () => kept });
  const { remove: _, ...step } = budget.step;
  return Object.freeze({
    ...definition,
    tables: { ...definition.tables, [BUDGETS]: counts },
    steps: definition.steps.map((own) => own === budget.step ? { ...step, keep: BUDGETS } : own),
  });
}
