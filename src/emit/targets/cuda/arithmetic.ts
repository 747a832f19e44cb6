/**
 * What CUDA's arithmetic promises without contraction: C's, since templates/cuda/kerf_math.h computes the
 * same polynomials in the same order, and the rest in f64.
 */

import type { Arithmetic } from "../../../ir/arithmetic.ts";
import { C_ARITHMETIC } from "../c/arithmetic.ts";

/** CUDA's. */
export const CUDA_ARITHMETIC: Arithmetic = C_ARITHMETIC;
