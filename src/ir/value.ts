/**
 * IR values on the CPU: how a number is rounded to its type. f32 values are doubles that f32 can hold in
 * mode "f32" and any double in mode "f64"; i32 values are whole doubles in [−2³¹, 2³¹); bools are booleans.
 */

import type { Scalar } from "./types.ts";

/** One IR value. */
export type Value = number | boolean;

/** How reals are computed: as doubles, or rounded to f32 after every operation as a target does. */
export type Mode = "f64" | "f32";

/** Whether a value may stand in a constant of the type: finite as f32, whole and in range as i32. */
export function isConstant(value: Value, type: Scalar): boolean {
  if (type === "bool") return typeof value === "boolean";
  if (typeof value !== "number") return false;
  return type === "f32" ? Number.isFinite(Math.fround(value)) : value === (value | 0) &&
    !Object.is(value, -0);
}

/** A value as the mode holds it: f32 values are rounded in mode "f32", all others pass. */
export function roundTo(value: Value, type: Scalar, mode: Mode): Value {
  return type === "f32" && mode === "f32" ? Math.fround(value as number) : value;
}

/** The value of the low 16 bits read as an IEEE half. */
export function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The nearest whole number, ties to the even one; keeps −0, ±∞ and NaN. */
export function roundHalfEven(x: number): number {
  if (!Number.isFinite(x)) return x;
  const floor = Math.floor(x);
  const above = x - floor;
  const up = above > 0.5 || (above === 0.5 && floor % 2 !== 0);
  const rounded = up ? floor + 1 : floor;
  // Keeps the sign of x where the result is zero.
  return rounded === 0 ? x * 0 : rounded;
}

/** Truncates toward zero into i32: values beyond its range give its ends, NaN gives 0. */
export function saturateToI32(x: number): number {
  if (Number.isNaN(x)) return 0;
  return Math.min(Math.max(Math.trunc(x), -2147483648), 2147483647) | 0;
}
