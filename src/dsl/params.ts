/**
 * Parameters of a variant: numbers a user sets in a spec (`think:ratio=0.4`), each with a range and a
 * default. They reach kernels as constants of an invocation, never as text.
 */

import { KerfError } from "../core/error.ts";
import type { HookArg } from "./types.ts";
import { scalar } from "./types.ts";

/** One parameter. Without `integer` it is f32. */
export interface ParamSpec {
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
  readonly doc?: string;
}

export type ParamSpecs = Readonly<Record<string, ParamSpec>>;

/** The values of declared parameters. */
export type ParamValues<P extends ParamSpecs = ParamSpecs> = { readonly [K in keyof P]: number };

/** The IR types of parameters, for hook schemas. */
export function paramArgs(params: ParamSpecs): Record<string, HookArg> {
  return Object.fromEntries(
    Object.entries(params).map(([name, p]) => [name, scalar(p.integer ? "i32" : "f32")]),
  );
}

/** A parameter's range in words, open ends left out. */
function range({ min, max }: ParamSpec): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? "" : ` of at most ${max}`;
}

/** Whether a parameter may have a value. */
function isOf({ integer, min = -Infinity, max = Infinity }: ParamSpec, value: number): boolean {
  return (!integer || Number.isInteger(value)) && value >= min && value <= max;
}

/** What a parameter's values are, in words. */
const inWords = (spec: ParamSpec): string =>
  `${spec.integer ? "a whole number" : "a number"}${range(spec)}`;

/** @throws {TypeError} a default that its own parameter may not have */
export function checkDefaults(owner: string, params: ParamSpecs): void {
  for (const [name, spec] of Object.entries(params)) {
    if (isOf(spec, spec.default)) continue;
    throw new TypeError(
      `Cannot declare "${owner}": the default ${name}=${spec.default} is not ${inWords(spec)}`,
    );
  }
}

/**
 * Fills defaults and checks ranges.
 *
 * @param owner the variant's name, for messages
 * @throws {KerfError} unknown name, not a number, not whole, or out of range
 */
export function resolveParams(
  owner: string,
  params: ParamSpecs,
  given: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const names = Object.keys(params);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) {
      throw new KerfError(`Cannot set "${name}" of "${owner}": it has no such parameter`, {
        hint: names.length ? `parameters: ${names.join(", ")}` : `"${owner}" takes none`,
        exitCode: 2,
      });
    }
  }
  return Object.fromEntries(names.map((name) => {
    const spec = params[name]!;
    const value = given[name] ?? spec.default;
    if (!isOf(spec, value)) {
      throw new KerfError(
        `Cannot use ${name}=${value} for "${owner}": it must be ${inWords(spec)}`,
        { hint: `default: ${name}=${spec.default}`, exitCode: 2 },
      );
    }
    return [name, value];
  }));
}
