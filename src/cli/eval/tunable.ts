/** What `eval calibrate` may share out: the budget of a spec's one variant, from its declared data. */

import { KerfError } from "../../core/error.ts";
import { paramBudget } from "../../dsl/budgets.ts";
import type { BudgetCounts } from "../../dsl/budgets.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import type { ModelDims } from "../../dsl/table.ts";
import { isBudgetPath } from "../../engine/budget_file.ts";
import { prunePlan } from "../../engine/prune_plan.ts";
import type { PrunePlan } from "../../engine/prune_plan.ts";
import { formatSpec, parseSpec } from "../../engine/spec.ts";
import { budgetRows } from "../../engine/row_budgets.ts";
import type { LossPoint } from "../../eval/mod.ts";

/** A budget that may be shared out. */
export interface Tunable {
  /** With the budget's number written out. */
  readonly spec: string;
  readonly param: string;
  readonly value: number;
  readonly counts: BudgetCounts;
  /** What every head keeps at that number. */
  readonly uniform: number;
  /** Counts are multiples of this. */
  readonly multiple: number;
  /** What stays of a head in any case, the least and the most that it is given, and what is everything. */
  readonly fixed: number;
  readonly least: number;
  readonly most: number;
  readonly everything: number;
  /** Why heads of a layer keep as many; null: each may keep its own number. */
  readonly alike: string | null;
}

/** Shares between the least and everything at which units are measured. */
const CHANNEL_SHARES = [1 / 8, 1 / 4, 1 / 2, 3 / 4];
/** Budgets of rows are smaller shares: a quarter is a usual one. */
const ROW_SHARES = [1 / 32, 1 / 8, 1 / 4, 1 / 2];

const refuse = (spec: string, why: string, hint: string): never => {
  throw new KerfError(`Cannot share out a budget of "${spec}": ${why}`, { hint, exitCode: 2 });
};

const EXAMPLE = "deno task eval calibrate --prune think:ratio=0.5 -o think.json";

/**
 * The budget of a spec.
 *
 * @param nPrompt rows that there are to keep
 * @throws {KerfError} exit code 2: none, several, one that scores decide, or one that keeps everything
 */
export async function tunableOf(
  spec: string,
  dims: ModelDims,
  nPrompt: number,
): Promise<Tunable> {
  const steps = parseSpec(spec);
  if (steps.length !== 1) {
    const one = steps[0] ? `deno task eval calibrate --prune ${formatSpec([steps[0]])}` : EXAMPLE;
    refuse(spec, `it has ${steps.length} variants, and one is measured at a time`, one);
  }
  const named = Object.entries(steps[0]!.values).find(([, value]) => isBudgetPath(value));
  if (named) {
    refuse(spec, `${named[0]} is a file already`, "give the number that the file is to stand for");
  }
  const plan = await prunePlan(spec, dims);
  const own = plan.tokens ?? plan.channels ?? plan.valueChannels;
  const budget = own && paramBudget(own.definition);
  if (!own || !budget) return refuseBudget(plan);
  const { step, param, counts } = budget;
  const { definition, params, enough, multiple } = own;
  if (step.kind === "tokens" && step.remove !== undefined) {
    refuse(spec, "a share of the rows is another number for every prompt", EXAMPLE);
  }
  if (enough) {
    refuse(spec, "scores lower it head by head, so its bytes follow the text", EXAMPLE);
  }
  const value = params[param]!;
  const shared = {
    ...{ param, value, counts, multiple },
    spec: formatSpec([{ ...steps[0]!, values: { ...steps[0]!.values, [param]: value } }]),
    alike: alikeOf(definition),
  };
  const tunable = plan.tokens
    ? { ...shared, ...rowsOf(plan.tokens, nPrompt) }
    : { ...shared, ...channelsOf(plan, dims) };
  const { least, most, uniform, everything } = tunable;
  if (uniform > most) {
    const more = counts === "rows" ? `-p ${2 * uniform}` : `--prune ${EXAMPLE.split(" ")[5]}`;
    refuse(spec, `${uniform} of ${everything} ${counts} leave nothing to choose`, more);
  }
  if (uniform <= least) {
    refuse(spec, `heads keep the least that they can, ${uniform} ${counts}`, "raise the budget");
  }
  return tunable;
}

/** Says why a spec has no number that counts could stand for. */
function refuseBudget({ spec, tokens, channels, valueChannels, bits, classes }: PrunePlan): never {
  if (tokens || channels || valueChannels) {
    return refuse(spec, "a formula in its file already gives layers budgets of their own", EXAMPLE);
  }
  if (bits || classes) {
    return refuse(
      spec,
      "it is one of bits, which scores deal out to a head's channels and rows themselves",
      "share out the rows that it codes: deno task eval calibrate --prune snapkv:budget=512 " +
        `-o rows.json, then --prune snapkv:budget=rows.json+${spec}`,
    );
  }
  return refuse(spec, "no parameter says how many rows or channels heads keep", EXAMPLE);
}

function alikeOf({ steps }: Pick<Pruning, "steps">): string | null {
  const tokens = steps.find((step) => step.kind === "tokens");
  if (tokens?.scope === "layer") return "the heads of a layer keep the same rows";
  return tokens?.share ? "the heads of a layer share their budgets" : null;
}

function rowsOf(tokens: NonNullable<PrunePlan["tokens"]>, nPrompt: number) {
  const { first, last, multiple } = tokens;
  const fixed = first + last;
  return {
    fixed,
    uniform: budgetRows(tokens, { layer: 0, kvHead: 0, nRows: nPrompt }),
    least: Math.ceil((fixed + ROW_SHARES[0]! * (nPrompt - fixed)) / multiple) * multiple,
    most: nPrompt - nPrompt % multiple,
    everything: nPrompt,
  };
}

function channelsOf(plan: PrunePlan, { headDim }: ModelDims) {
  const { widths, multiple } = (plan.channels ?? plan.valueChannels)!;
  return {
    fixed: 0,
    uniform: widths[0]!,
    least: Math.ceil(CHANNEL_SHARES[0]! * headDim / multiple) * multiple,
    // A layer that keeps every channel has no lists of them, so bytes would not be the same.
    most: Math.ceil(headDim / multiple - 1) * multiple,
    everything: headDim,
  };
}

/** The counts at which units are measured, ascending. */
export function measuredCounts(
  { counts, fixed, least, most, everything, multiple }: Tunable,
): number[] {
  const shares = counts === "rows" ? ROW_SHARES : CHANNEL_SHARES;
  const rounded = shares.map((share) =>
    Math.round((fixed + share * (everything - fixed)) / multiple) * multiple
  );
  return [...new Set([least, ...rounded])].filter((n) => n >= least && n < most);
}

/** A curve up to the most that a head is given; keeping everything costs nothing. */
export function wholeCurve(
  measured: readonly LossPoint[],
  { most, everything }: Tunable,
): LossPoint[] {
  const last = measured.at(-1)!;
  const loss = last.loss * (everything - most) / (everything - last.kept);
  return [...measured, { kept: most, loss }];
}
