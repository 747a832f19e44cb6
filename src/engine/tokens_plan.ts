/**
 * A tokens step with the numbers of a spec, for a model: how many rows every head keeps, and which stay
 * whatever their score. Refuses numbers that leave too little; row_budgets.ts says how many rows they mean.
 */

import { KerfError } from "../core/error.ts";
import { amountOf } from "../dsl/accumulator.ts";
import { enoughRule, MASS_ROWS } from "../dsl/enough.ts";
import type { EnoughRule } from "../dsl/enough.ts";
import { stepOf } from "../dsl/steps.ts";
import type { Pruning } from "../dsl/pruning.ts";
import type { ParamValues } from "../dsl/params.ts";
import type { ModelDims } from "../dsl/table.ts";
import { momentsOf, positionsOf } from "../dsl/tokens.ts";
import type { Pool, TokensStep } from "../dsl/tokens.ts";
import { wantedRows } from "./row_budgets.ts";
import type { SpecStep } from "./spec.ts";
import { fillTables } from "./tables.ts";
import type { TableData } from "./tables.ts";
import { paramsOf } from "./variant_params.ts";

/** One tokens step with its numbers. */
export interface TokensPlan {
  readonly definition: Pruning;
  readonly step: TokensStep;
  readonly params: Readonly<Record<string, number>>;
  readonly tables: TableData;
  readonly dims: ModelDims;
  /** Last queries whose weights the score reads; 0: none. */
  readonly window: number;
  /** Queries whose moments it reads: the first ones left out, the positions to come; null: none. */
  readonly moments: { readonly skip: number; readonly ahead: number } | null;
  /** Rows at both ends that stay. */
  readonly first: number;
  readonly last: number;
  /** Rows that meet in pooling; 1: none. */
  readonly poolWidth: number;
  /** Whether neighbours meet in the largest; else in their mean. */
  readonly poolsMax: boolean;
  /** Positions of a block, whose rows stay or leave together; 1: each row is chosen by itself. */
  readonly blockRows: number;
  /** What keys are rotated by. */
  readonly positions: "true" | "cache";
  /** Tokens decoded between evictions; 0: none while decoding. */
  readonly every: number;
  /** Share of its unprotected budget that a head keeps by itself; null: heads share nothing. */
  readonly floor: number | null;
  /** Kept counts are rounded up to this. */
  readonly multiple: number;
  /** What is enough of a budget; null: all of it. */
  readonly enough: EnoughRule | null;
}

/**
 * A variant's tokens step with the numbers of a spec's step.
 *
 * @throws {KerfError} exit code 2: unknown parameter, out of range, or a budget below the protected rows
 */
export async function tokensPlan(
  definition: Pruning,
  spec: SpecStep,
  dims: ModelDims,
): Promise<TokensPlan> {
  const { step } = stepOf(definition, "tokens")!;
  const params = paramsOf(spec, definition);
  const { values } = spec;
  const tables = await fillTables(definition.name, definition.tables, { dims, values });
  const moments = momentsOf(step);
  const plan: TokensPlan = {
    ...{ definition, step, params, tables, dims },
    window: step.queries === null ? 0 : amountOf(step.queries.rows, params),
    moments: moments && {
      skip: amountOf(moments.skip, params),
      ahead: amountOf(moments.ahead, params),
    },
    first: amountOf(step.protect?.first ?? 0, params),
    last: amountOf(step.protect?.last ?? 0, params),
    poolWidth: step.pool === undefined ? 1 : amountOf(step.pool.width, params),
    poolsMax: poolsMax(step.pool, params),
    blockRows: amountOf(step.block?.rows ?? 1, params),
    positions: positionsOf(step, params),
    every: amountOf(step.every ?? 0, params),
    floor: step.share === undefined ? null : amountOf(step.share.floor, params),
    multiple: amountOf(step.multiple ?? 1, params),
    enough: enoughRule(step.enough, params),
  };
  check(plan);
  return plan;
}

function poolsMax(pool: Pool | undefined, params: ParamValues): boolean {
  if (typeof pool?.kind === "object") return amountOf(pool.kind.meanIf, params) === 0;
  return pool?.kind !== "mean";
}

function check(plan: TokensPlan): void {
  const { definition: { name }, poolWidth, first, last } = plan;
  const refuse = (why: string, hint: string) => {
    throw new KerfError(`Cannot evict with "${name}": ${why}`, { hint, exitCode: 2 });
  };
  if (poolWidth % 2 !== 1) {
    refuse(
      `${poolWidth} neighbours have no middle`,
      `pool an odd number, such as ${poolWidth + 1}`,
    );
  }
  if (plan.floor !== null && plan.step.scope === "layer") {
    refuse("heads that keep the same rows have no budgets to share", 'declare `scope: "head"`');
  }
  if (plan.enough?.kind === "mass" && plan.dims.nCtx > MASS_ROWS) {
    refuse(
      `the masses of ${plan.dims.nCtx} rows are too many to sum`,
      `use a context of ${MASS_ROWS}: -c`,
    );
  }
  const needed = Math.max(1, first + last);
  const rows = first + last > 0 ? `the ${needed} rows that always stay` : "one row";
  const fewest = fewestKept(plan);
  if (fewest !== null && fewest < needed) {
    refuse(`a budget of ${fewest} is less than ${rows}`, `keep at least ${needed} rows`);
  }
  const short = shortLayer(plan, needed);
  if (short !== null) {
    const { layer, kept } = short;
    refuse(
      `layer ${layer} would keep ${kept} of ${plan.dims.nCtx} rows, less than ${rows}`,
      `what it is declared with keeps enough: --prune ${name}`,
    );
  }
}

/** The smallest of the budgets that are known beforehand; null: they depend on the rows. */
function fewestKept({ step: { keep }, params, tables }: TokensPlan): number | null {
  if (keep === undefined || typeof keep === "function") return null;
  if (typeof keep === "string" && tables[keep]) return Math.min(...tables[keep]);
  return amountOf(keep, params);
}

/** The first layer whose budget, a function, is below `needed` even where rows abound; null: none. */
function shortLayer(plan: TokensPlan, needed: number): { layer: number; kept: number } | null {
  const { step: { keep }, dims: { nLayers, nKvHeads, nCtx } } = plan;
  if (typeof keep !== "function") return null;
  for (let head = 0; head < nLayers * nKvHeads; head++) {
    const layer = Math.floor(head / nKvHeads);
    const kept = wantedRows(plan, { layer, kvHead: head % nKvHeads, nRows: nCtx });
    if (!(kept >= Math.min(needed, nCtx))) return { layer, kept };
  }
  return null;
}
