/**
 * Budgets that scores decide: how many of the highest are enough. A count, a share or a table of the same
 * step is the most that stays; this only lowers it. Masses are whole numbers, so that every target counts
 * alike whatever the order in which it adds.
 */

import { amountOf } from "./accumulator.ts";
import type { Amount } from "./accumulator.ts";
import type { ParamValues } from "./params.ts";

/**
 * What is enough: the fewest of the highest scores that sum to the share `mass` of all; every score of
 * `atLeast` or more; every score that is `ofLargest` times the largest or more. What is protected has no
 * score and counts in none of them.
 */
export type Enough =
  & (
    | { readonly mass: Amount }
    | { readonly atLeast: Amount }
    | { readonly ofLargest: Amount }
  )
  & {
    /** As many stay in any case, protected ones included; absent: one. */
    readonly least?: Amount;
  };

/** What is enough, with its numbers. */
export interface EnoughRule {
  readonly kind: "mass" | "atLeast" | "ofLargest";
  readonly amount: number;
  readonly least: number;
}

/** The kind and the amount of what is enough. */
export function enoughKind(enough: Enough): { kind: EnoughRule["kind"]; amount: Amount } {
  if ("mass" in enough) return { kind: "mass", amount: enough.mass };
  if ("atLeast" in enough) return { kind: "atLeast", amount: enough.atLeast };
  return { kind: "ofLargest", amount: enough.ofLargest };
}

/** What is enough for the parameters' `values`; null: nothing is said. */
export function enoughRule(enough: Enough | undefined, values: ParamValues): EnoughRule | null {
  if (enough === undefined) return null;
  const { kind, amount } = enoughKind(enough);
  return { kind, amount: amountOf(amount, values), least: amountOf(enough.least ?? 1, values) };
}

/** Parts of all mass in which kernels are told a share of it. */
const MASS_PARTS = 2 ** 20;

/** The most rows whose masses are counted: sums of 24 bits of each stay within 44. */
export const MASS_ROWS = 2 ** 20;

/** A share of all mass as kernels take it: u32, in 2⁻²⁰. */
export const massParts = (share: number): number => Math.round(MASS_PARTS * share);

/**
 * Checks that a budget has one limit: a count, a share, or else what is enough.
 *
 * @throws {TypeError} both of `remove` and `keep`, or neither of them and no `enough`
 */
export function checkLimits(
  step: string,
  { remove, keep, enough }: {
    readonly remove?: unknown;
    readonly keep?: unknown;
    readonly enough?: unknown;
  },
): void {
  const limits = [remove, keep].filter((amount) => amount !== undefined);
  if (limits.length === 1 || (limits.length === 0 && enough !== undefined)) return;
  throw new TypeError(`Cannot declare ${step}: give exactly one of \`remove\` and \`keep\``);
}
