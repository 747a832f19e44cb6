/**
 * What a function's parameters are in the generated code. Hooks take records and tuples; in IR their fields are
 * parameters in the schema's order.
 */

import type { HookArg } from "../dsl/types.ts";
import { operandsOf, paramOf } from "../ir/operands.ts";
import type { Func } from "../ir/types.ts";

/** What a parameter of the function is in the generated code. */
export interface Argument {
  readonly text: string;
  /** Whether it differs from lane to lane (or, in a scalar form, from turn to turn of the inner loop). */
  readonly varying: boolean;
  /** Of a table of rank 2 and above: the text of each dimension's size, outermost first. */
  readonly dims?: readonly string[];
  /** When known: an i32 is within 0 … bound. */
  readonly bound?: number;
}

/** An argument that has one value for all lanes. */
export const uniform = (text: string, dims?: readonly string[]): Argument =>
  dims === undefined ? { text, varying: false } : { text, varying: false, dims };

/** An argument that has a value per lane. */
export const varying = (text: string): Argument => ({ text, varying: true });

/** An i32 argument that is within 0 … bound, so that arithmetic on it is known not to wrap. */
export const upTo = (argument: Argument, bound = 2 ** 31 - 1): Argument => ({ ...argument, bound });

/** The counterpart of one hook argument: a record's fields by name, anything else as it is. */
export type Bound = Argument | Readonly<Record<string, Argument>>;

/**
 * One argument per parameter of `func`.
 *
 * @param schema the hook's `args`
 * @param bound one entry per hook argument
 * @throws {TypeError} a field is not bound, or the function has another number of parameters
 */
export function bindArguments(
  func: Func,
  schema: readonly HookArg[],
  bound: readonly Bound[],
): Argument[] {
  const flat = schema.flatMap((arg, i): Argument[] => {
    const given = bound[i];
    if (given === undefined) {
      throw new TypeError(`Cannot bind "${func.name}": argument ${i} is absent`);
    }
    if (arg.kind !== "record") return [given as Argument];
    return Object.keys(arg.fields).map((field) => {
      const value = (given as Readonly<Record<string, Argument>>)[field];
      if (value === undefined) throw new TypeError(`Cannot bind "${func.name}": no "${field}"`);
      return value;
    });
  });
  if (flat.length !== func.params.length) {
    throw new TypeError(
      `Cannot bind "${func.name}": ${flat.length} arguments for ${func.params.length} parameters`,
    );
  }
  return flat;
}

/** The indices of the parameters whose values the function reads. */
export function readParams(func: Func): Set<number> {
  const used = new Set([...func.results, ...func.nodes.flatMap((node) => operandsOf(node))]);
  const readers = func.nodes.filter((node) => node.kind !== "param" || used.has(node.id));
  return new Set(readers.map(paramOf).filter((param) => param !== undefined));
}

/** The names of the parameters whose values the function reads. */
export const namesRead = (func: Func): Set<string> =>
  new Set([...readParams(func)].map((i) => func.params[i]!.name));
