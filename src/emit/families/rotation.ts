/** The author's rotation of a pair of channels as text: what append.ts, append_product.ts and pairwise.ts share. */

import { bindArguments, varying } from "../arguments.ts";
import { emitFunc } from "../func.ts";
import { markedText } from "../lines.ts";
import { hookScope } from "../names.ts";
import type { EmitTarget } from "../target.ts";
import type { KernelSource } from "../types.ts";

/** A rotation's statements and what it makes, of lanes named `a`, `b`, `cos` and `sin`. */
export interface RotationContext {
  /** Statements that depend on no pair. */
  readonly uniform_lines: string;
  /** Statements that make the new values of `a` and `b`. */
  readonly rotate_lines: string;
  readonly new_a: string;
  readonly new_b: string;
}

/** Prints the hook `rotate` of a definition. */
export function rotationContext(
  { funcs, definition }: KernelSource,
  target: EmitTarget,
): RotationContext {
  const func = funcs["rotate"]!;
  const hook = definition.hooks.find(({ path }) => path === "rotate")!;
  const pair = Object.fromEntries(["a", "b", "cos", "sin"].map((name) => [name, varying(name)]));
  const { uniform, lines, results } = emitFunc(func, {
    target,
    form: "lanes",
    scope: hookScope(),
    into: ["new_a", "new_b"],
    args: bindArguments(func, hook.args, [pair]),
  });
  return {
    uniform_lines: markedText(uniform),
    rotate_lines: markedText(lines),
    new_a: results[0]!,
    new_b: results[1]!,
  };
}
