/**
 * What C's arithmetic promises: IEEE 754, since nothing is contracted or reordered, and the errors that
 * templates/c/kerf_math.h states of its own functions.
 */

import type { Arithmetic } from "../../../ir/arithmetic.ts";

/** C's, in both forms and on every instruction set. */
export const C_ARITHMETIC: Arithmetic = Object.freeze<Arithmetic>({
  ieee: true,
  errors: {
    ...{ exp: { ulp: 2 }, exp2: { ulp: 2 }, tanh: { ulp: 2 } },
    ...{ log: { ulp: 1 }, log2: { ulp: 1 }, sin: { ulp: 1 }, cos: { ulp: 1 }, pow: { ulp: 1 } },
  },
});
