/**
 * What a target promises of its arithmetic: the numbers that a running error analysis starts from. Whole
 * numbers and bools have the same values everywhere; this is about f32.
 */

import { magnitude } from "./enclosure.ts";
import type { Enclosure } from "./enclosure.ts";
import type { OpName } from "./types.ts";

/** How far the result of an f32 operation may be from the exact one. */
export interface ErrorBound {
  /** In units in the last place of the exact result. */
  readonly ulp: number | ((operands: readonly Enclosure[]) => number);
  /** Beside that, whatever the result's size. */
  readonly absolute?: number;
  /** The operands for which anything is promised; all when absent. */
  readonly covers?: (operands: readonly Enclosure[]) => boolean;
}

/** A target's arithmetic. */
export interface Arithmetic {
  /**
   * Whether f32 is IEEE 754's: rounded to nearest, with NaN, infinities, subnormal numbers and the sign of
   * zero, and no product fused into a sum. Otherwise either neighbour of an exact result may come, a
   * subnormal number may be 0, zero may have either sign, and what overflows or is no number may be
   * anything.
   */
  readonly ieee: boolean;
  /** Operations that are not rounded correctly. */
  readonly errors: Readonly<Partial<Record<OpName, ErrorBound>>>;
}

/** All operands are within ±`largest`. */
export const upTo = (largest: number) => (operands: readonly Enclosure[]): boolean =>
  operands.every((operand) => magnitude(operand) <= largest);
