/**
 * The digits of numbers in generated text. A template never prints a JavaScript number: 1.0 would lose
 * its point and 1e-7 its exactness, so every literal passes through here and arrives as a string.
 */

/**
 * The shortest decimal that reads back as the same f32, with a point or an exponent: `1.0`, `1e-5`.
 *
 * @throws {RangeError} NaN or infinite: kernels hold finite literals only
 */
export function f32Digits(value: number): string {
  const exact = Math.fround(value);
  if (!Number.isFinite(exact)) {
    throw new RangeError(`Cannot print ${value} as an f32 literal: it is not a finite f32`);
  }
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(exact.toPrecision(digits));
    if (Math.fround(short) === exact) return withPoint(Object.is(exact, -0) ? "-0" : String(short));
  }
  throw new RangeError(`Cannot print ${value} as an f32 literal: nine digits do not hold it`);
}

/** The digits of an i32: decimal, hexadecimal for the large ones, which are masks and hashes. */
export function i32Digits(value: number): string {
  const whole = value | 0;
  if (whole !== value) throw new RangeError(`Cannot print ${value} as an i32 literal`);
  return Math.abs(whole) < 65536 ? String(whole) : `0x${(whole >>> 0).toString(16)}`;
}

const withPoint = (digits: string): string => /[.e]/.test(digits) ? digits : `${digits}.0`;
