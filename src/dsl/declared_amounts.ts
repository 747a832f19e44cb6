/**
 * Every amount of a variant's steps is a number of its kind, or names what the variant declares: a parameter, or a
 * table. What is written out is checked where it is declared; what parameters make of it, once they have numbers.
 */

import { KerfError } from "../core/error.ts";
import type { ParamValues } from "./params.ts";
import type { Pruning } from "./pruning.ts";
import { AMOUNT_KINDS, stepAmounts } from "./step_amounts.ts";
import { channelBitsOf, rowBitsOf } from "./steps.ts";

/**
 * @throws {TypeError} an amount names what the variant has not declared, or is no number of its kind; bits count
 * rows by a score that there is not
 */
export function checkAmounts(
  { name, steps, ...declared }: Pick<Pruning, "name" | "params" | "tables" | "steps">,
): void {
  const params = Object.keys(declared.params);
  const tables = Object.keys(declared.tables);
  const refuse = (i: number, why: string) => {
    throw new TypeError(`Cannot declare "${name}": steps[${i}].${why}`);
  };
  for (const [i, step] of steps.entries()) {
    for (const [field, amount, kind] of stepAmounts(step)) {
      const { words, holds } = AMOUNT_KINDS[kind];
      const names = kind === "budget" ? [...params, ...tables] : params;
      if (typeof amount === "string" && !names.includes(amount)) {
        const known = names.join(", ") || "its parameters (it has none)";
        refuse(i, `${field} names "${amount}", which is none of ${known}`);
      }
      if (typeof amount === "number" && !holds(amount)) {
        refuse(i, `${field} is ${amount}, which is not ${words}`);
      }
    }
    const bits = channelBitsOf({ steps: [step] })?.bits;
    if (bits && bits.rows !== "alike" && rowBitsOf({ steps }) === null) {
      refuse(i, "bits counts rows by a score, which no byRow() gives");
    }
  }
}

/**
 * @param values of its parameters
 * @throws {KerfError} exit code 2: a parameter, or what follows from several, is no number of its amount's kind
 */
export function checkNumbers(
  { name, steps, params }: Pick<Pruning, "name" | "params" | "steps">,
  values: ParamValues,
): void {
  for (const [i, step] of steps.entries()) {
    for (const [field, amount, kind] of stepAmounts(step)) {
      const { words, holds } = AMOUNT_KINDS[kind];
      const place = `steps[${i}].${field}`;
      const refuse = (given: string, why: string, hint: string) => {
        throw new KerfError(`Cannot use ${given}: ${why}`, { hint, exitCode: 2 });
      };
      if (typeof amount === "function" && !holds(amount(values))) {
        refuse(
          `"${name}" with these numbers`,
          `${place} is ${amount(values)}, not ${words}`,
          `--prune ${name}`,
        );
      }
      // A table's name is no parameter's.
      if (typeof amount !== "string" || !Object.hasOwn(params, amount)) continue;
      if (holds(values[amount]!)) continue;
      refuse(
        `${amount}=${values[amount]} for "${name}"`,
        `${place} must be ${words}`,
        `default: ${amount}=${params[amount]!.default}`,
      );
    }
  }
}
