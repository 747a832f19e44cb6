/** The hooks of a definition, run both ways that references take: as written, and as the front end read them. */

import type { KernelSource } from "../src/emit/types.ts";
import { authorRunner, interpreterRunner } from "../src/reference/hooks.ts";
import type { HookRunner } from "../src/reference/hooks.ts";

/** A runner per hook, by path. */
export type Hooks = Readonly<Record<string, HookRunner>>;

/** The author's functions in f64, and the interpreter in f32. */
export function bothHooks({ definition, funcs }: KernelSource): readonly [Hooks, Hooks] {
  const all = (runner: (path: string) => HookRunner) =>
    Object.fromEntries(definition.hooks.map(({ path }) => [path, runner(path)]));
  return [
    all((path) => authorRunner(definition, path)),
    all((path) => interpreterRunner(definition, path, { func: funcs[path]!, mode: "f32" })),
  ];
}
