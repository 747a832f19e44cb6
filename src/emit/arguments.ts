/**
 * Matches what the generated code has at hand to a function's parameters. Hooks take records and tuples;
 * in IR their fields are parameters in the schema's order.
 */

import type { HookArg } from "../dsl/types.ts";
import type { Func } from "../ir/types.ts";
import type { Argument } from "./func.ts";

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
