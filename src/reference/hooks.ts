/**
 * Two ways to run a hook on the CPU that must agree: the author's function as it stands, and the IR
 * interpreter on what the front end made of it. References take either.
 */

import type { Definition } from "../dsl/types.ts";
import { interpret } from "../ir/interpret.ts";
import type { Arg } from "../ir/interpret.ts";
import type { Func } from "../ir/types.ts";
import type { Mode } from "../ir/value.ts";

/** A hook's results, one entry per tuple element; arguments as the author's function takes them. */
export type HookRunner = (...args: readonly unknown[]) => (number | boolean)[];

/** Runs the hook `path` of a definition as plain TypeScript. */
export function authorRunner(definition: Definition, path: string): HookRunner {
  const { run } = findHook(definition, path);
  return (...args) => {
    const result = (run as (...args: readonly unknown[]) => unknown)(...args);
    return Array.isArray(result) ? result : [result as number | boolean];
  };
}

/** Runs the hook `path` through the interpreter; records become one argument per field. */
export function interpreterRunner(
  definition: Definition,
  path: string,
  options: { readonly func: Func; readonly mode: Mode },
): HookRunner {
  const flatten = hookArguments(definition, path);
  return (...args) => interpret(options.func, flatten(args) as Arg[], { mode: options.mode });
}

/** Turns the author's arguments of the hook `path` into its IR's: a record is one per field. */
export function hookArguments(
  definition: Definition,
  path: string,
): (args: readonly unknown[]) => unknown[] {
  const fields = findHook(definition, path).args.map((arg) =>
    arg.kind === "record" ? Object.keys(arg.fields) : null
  );
  return (args) => {
    const flat: unknown[] = [];
    fields.forEach((names, i) => {
      if (names === null) return void flat.push(args[i]);
      const record = args[i] as Readonly<Record<string, unknown>>;
      for (const name of names) flat.push(record[name]);
    });
    return flat;
  };
}

function findHook(definition: Definition, path: string) {
  const hook = definition.hooks.find((h) => h.path === path);
  if (hook === undefined) {
    throw new TypeError(`Cannot run hook "${path}": "${definition.name}" has no such hook`);
  }
  return hook;
}
