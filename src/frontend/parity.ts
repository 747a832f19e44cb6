/**
 * Holds a lowered hook to the author's function: both computed in f64 on the same random arguments. Only
 * tests import it.
 */

import fc from "fast-check";
import type { Hook } from "../dsl/types.ts";
import { interpret } from "../ir/interpret.ts";
import type { Func } from "../ir/types.ts";
import { verify } from "../ir/verify.ts";
import { arbitraryHookArgs } from "./testing.ts";

/**
 * Both do the same f64 operations in the same order, except that a square is a product where the author
 * may write `x ** 2`: V8's pow is off by at most an ulp or two, far below this.
 */
const RELATIVE = 1e-12;

const agrees = (a: unknown, b: unknown): boolean =>
  typeof a === "number" && typeof b === "number" && Number.isFinite(a) && Number.isFinite(b)
    ? Math.abs(a - b) <= RELATIVE * Math.max(Math.abs(a), Math.abs(b))
    : Object.is(a, b);

const RUNS = 100;

/**
 * Checks that the function is valid IR and equals the author's on random arguments.
 *
 * @throws {Error} with the scalar arguments and both results
 */
export function assertParity(hook: Hook, func: Func): void {
  const problems = verify(func);
  if (problems.length > 0) throw new Error(problems.map((p) => p.message).join("\n"));
  for (const { run, flat } of fc.sample(arbitraryHookArgs(hook), { seed: 3, numRuns: RUNS })) {
    const returned = hook.run(...run as never[]);
    const expected = Array.isArray(returned) ? returned : [returned];
    const actual = interpret(func, flat, { mode: "f64" });
    if (
      actual.length === expected.length && actual.every((value, i) => agrees(value, expected[i]))
    ) continue;
    const scalars = func.params.flatMap((p, i) =>
      p.kind === "scalar" ? [`${p.name} = ${flat[i]}`] : []
    );
    throw new Error(
      `${func.name} gives [${actual}], the author's function [${expected}] at ${
        scalars.join(", ")
      }`,
    );
  }
}
