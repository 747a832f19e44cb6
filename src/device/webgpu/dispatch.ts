/**
 * The grid of a kernel as work groups: its factors' product, spread over two axes where one is too short.
 * Kernels count work groups along x, then y (`kerf_item`), and leave those past the last alone.
 */

import type { GridFactor } from "../../core/signature.ts";
import { STEP_FIELDS } from "../../core/signature.ts";

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

/** Work groups along x and y: at least `count`, and less than one row of x more. */
export function spreadGroups(count: number, longestAxis: number): [x: number, y: number] {
  const y = Math.max(1, Math.ceil(count / longestAxis));
  return [Math.ceil(count / y), y];
}

function valueOf(of: GridFactor["of"], { constants, step }: GridValues): number {
  if (typeof of === "number") return of;
  if ("constant" in of) return constants[of.constant]!;
  return step["step" in of ? STEP_FIELDS.indexOf(of.step) : constants[of.stepAt]!]!;
}
