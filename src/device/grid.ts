/**
 * The grid of a kernel as work groups: the product of its factors, each a number, a constant of the
 * invocation or a field of the step. How a device spreads or caps them is its own.
 */

import type { GridFactor } from "../core/signature.ts";
import { STEP_FIELDS } from "../core/signature.ts";
import { failToPrepare } from "./check_invocation.ts";
import type { Invocation } from "./types.ts";

/** What a grid is computed from. */
export interface GridValues {
  readonly constants: Readonly<Record<string, number>>;
  /** The step header, in the order of STEP_FIELDS. */
  readonly step: ArrayLike<number>;
}

/** The number of work groups. */
export function countGroups(grid: readonly GridFactor[], values: GridValues): number {
  return grid.reduce((n, { of, per = 1 }) => n * Math.ceil(valueOf(of, values) / per), 1);
}

/** @throws {TypeError} a constant that has to name a field of the step does not */
export function checkStepFields(invocation: Invocation, grid: readonly GridFactor[]): void {
  for (const { of } of grid) {
    if (typeof of !== "object" || !("stepAt" in of)) continue;
    const field = invocation.constants[of.stepAt];
    if (field !== undefined && STEP_FIELDS[field] !== undefined) continue;
    failToPrepare(invocation, `constant "${of.stepAt}" is ${field}, which is no field of the step`);
  }
}

function valueOf(of: GridFactor["of"], { constants, step }: GridValues): number {
  if (typeof of === "number") return of;
  if ("constant" in of) return constants[of.constant]!;
  return step["step" in of ? STEP_FIELDS.indexOf(of.step) : constants[of.stepAt]!]!;
}
