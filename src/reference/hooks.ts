/**
 * Two ways to run a hook on the CPU that must agree: the author's function as it stands, and the IR
 * interpreter on what the front end made of it. References take either.
 */

import type { Definition, HookArg } from "../dsl/types.ts";
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
  const schema = findHook(definition, path).args;
  return (...args) => interpret(options.func, flatten(schema, args), { mode: options.mode });
}

function findHook(definition: Definition, path: string) {
  const hook = definition.hooks.find((h) => h.path === path);
  if (hook === undefined) {
    throw new TypeError(`Cannot run hook "${path}": "${definition.name}" has no such hook`);
  }
  return hook;
}

const flatten = (schema: readonly HookArg[], args: readonly unknown[]): Arg[] =>
  schema.flatMap((arg, i) =>
    arg.kind === "record"
      ? Object.keys(arg.fields).map((field) => (args[i] as Record<string, Arg>)[field]!)
      : [args[i] as Arg]
  );
