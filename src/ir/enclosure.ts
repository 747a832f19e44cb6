/**
 * What a value may be when its bits are not certain: everything from one number to another. A bool is 0 or
 * 1 here. −0 lies below 0, so an enclosure of one number holds exactly its bits. An f32 enclosure that
 * reaches an infinity, unless it is that one number, holds every f32 and NaN.
 */

import type { Scalar } from "./types.ts";
import type { Value } from "./value.ts";

/** Every value from `low` to `high`, both included. */
export interface Enclosure {
  readonly low: number;
  readonly high: number;
}

/** Exactly one value; NaN is one. */
export const exactly = (value: Value): Enclosure => ({ low: Number(value), high: Number(value) });

/** All values of a type. */
export const ANYTHING: Readonly<Record<Scalar, Enclosure>> = Object.freeze({
  f32: { low: -Infinity, high: Infinity },
  i32: { low: -(2 ** 31), high: 2 ** 31 - 1 },
  bool: { low: 0, high: 1 },
});

/** The largest finite f32. */
export const LARGEST = 2 ** 128 - 2 ** 104;

/** The smallest normal f32. */
export const SMALLEST_NORMAL = 2 ** -126;

export const isExact = ({ low, high }: Enclosure): boolean => Object.is(low, high);

export const isFinite = ({ low, high }: Enclosure): boolean =>
  Number.isFinite(low) && Number.isFinite(high);

/** Whether zero, of either sign, is one of the values. */
export const holdsZero = ({ low, high }: Enclosure): boolean => low <= 0 && high >= 0;

/** The largest magnitude. */
export const magnitude = ({ low, high }: Enclosure): number =>
  Math.max(Math.abs(low), Math.abs(high));

/** The smallest enclosure of all of them; anything of the type where NaN or an infinity is among several. */
export function hull(all: readonly Enclosure[], type: Scalar): Enclosure {
  const [first] = all as [Enclosure];
  if (all.every((e) => Object.is(e.low, first.low) && Object.is(e.high, first.high))) return first;
  if (!all.every(isFinite)) return ANYTHING[type];
  // Math.min and Math.max put −0 below 0.
  return {
    low: Math.min(...all.map((e) => e.low)),
    high: Math.max(...all.map((e) => e.high)),
  };
}

/** Whether `value` is one of the values, with the sign of a zero; NaN only where anything is. */
export function encloses(enclosure: Enclosure, value: Value): boolean {
  const { low, high } = enclosure;
  const number = Number(value);
  if (isExact(enclosure)) return Object.is(number, low);
  if (low === -Infinity && high === Infinity) return true;
  return Object.is(Math.min(number, low), low) && Object.is(Math.max(number, high), high);
}

const view = new DataView(new ArrayBuffer(4));

/** One unit in the last place of an f32 of this size. */
export function ulp(x: number): number {
  view.setFloat32(0, Math.abs(x));
  const exponent = view.getUint32(0) >>> 23;
  return 2 ** (Math.max(1, exponent) - 150);
}

/** The largest f32 that is not above `x`. */
export function roundDown(x: number): number {
  const nearest = Math.fround(x);
  return nearest <= x ? nearest : -nextAbove(-nearest);
}

/** The smallest f32 that is not below `x`. */
export const roundUp = (x: number): number => -roundDown(-x);

/** The f32 above a finite one. */
function nextAbove(x: number): number {
  view.setFloat32(0, x);
  const bits = view.getInt32(0);
  view.setInt32(0, x === 0 ? 1 : x > 0 ? bits + 1 : bits - 1);
  return view.getFloat32(0);
}
