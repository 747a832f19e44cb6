/**
 * What WGSL's arithmetic promises: correct rounding to either side, and the errors of its specification,
 * section 15.7.4.1, or of templates/wgsl/kerf.wgsl where that computes itself.
 */

import { upTo } from "../../../ir/arithmetic.ts";
import type { Arithmetic } from "../../../ir/arithmetic.ts";
import { magnitude, SMALLEST_NORMAL, ulp } from "../../../ir/enclosure.ts";
import type { Enclosure } from "../../../ir/enclosure.ts";

const LOGARITHM = { ulp: 3, absolute: 2 ** -21 };
const WAVE = { ulp: 0, absolute: 2 ** -11, covers: upTo(Math.PI) };
/** kerf.wgsl's own. */
const OWN = { ulp: 4 };

/** exp2(b · log2 |a|): the logarithm's error and the product's, times b; then exp2's own 3 + 2 |x|. */
function powerError([a, b]: readonly Enclosure[]): number {
  const [small, large] = [a!.low, a!.high].map((x) => Math.abs(Math.log2(Math.abs(x))));
  const [log, times] = [Math.max(small!, large!), magnitude(b!)];
  const exponent = times * (log + 1);
  const shift = times * (LOGARITHM.ulp * ulp(log) + LOGARITHM.absolute) + ulp(exponent);
  // An f32 is at most 2²⁴ of its units in the last place.
  return (2 ** shift - 1) * 2 ** 24 + 2 ** shift * (3 + 2 * exponent);
}

/** WGSL's, on any adapter. */
export const WGSL_ARITHMETIC: Arithmetic = Object.freeze<Arithmetic>({
  ieee: false,
  errors: {
    div: {
      ulp: 2.5,
      covers: ([, b]) => magnitude(b!) <= 2 ** 126 && isNormal(b!),
    },
    // 1 / inverseSqrt(x): two units, then the division's; the last half for the sum of both.
    sqrt: { ulp: 5 },
    ...{ exp: OWN, exp2: OWN, tanh: OWN },
    ...{ log: LOGARITHM, log2: LOGARITHM },
    ...{ sin: WAVE, cos: WAVE },
    pow: { ulp: powerError },
  },
});

/** Whether no value is subnormal or zero. */
function isNormal({ low, high }: Enclosure): boolean {
  return low >= SMALLEST_NORMAL || high <= -SMALLEST_NORMAL;
}
