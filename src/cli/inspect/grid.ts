/** A kernel's grid as people read it: `⌈nRows / 8⌉ × 16`. */

import type { GridFactor } from "../../core/signature.ts";

/** One factor; constants without a value keep their names. */
function factorText(
  { of, per }: GridFactor,
  constants: Readonly<Record<string, number>>,
): string {
  const named = (name: string) => String(constants[name] ?? name);
  const value = typeof of === "number"
    ? String(of)
    : "step" in of
    ? of.step
    : "constant" in of
    ? named(of.constant)
    : `step[${named(of.stepAt)}]`;
  return per === undefined ? value : `⌈${value} / ${per}⌉`;
}

/** The product of a grid's factors, with the values that an invocation gives its constants. */
export function gridText(
  grid: readonly GridFactor[],
  constants: Readonly<Record<string, number>> = {},
): string {
  return grid.map((factor) => factorText(factor, constants)).join(" × ");
}
