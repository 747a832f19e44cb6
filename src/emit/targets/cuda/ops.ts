/**
 * CUDA's op table: one thread is one lane, so there is one form. It is C's scalar table but for the names
 * of functions (templates/cuda/kerf_math.h, since NVRTC has no headers) and for whole numbers: CUDA
 * compilers have no -fwrapv, so what may overflow is a function that wraps.
 */

import { call, guarded, infix, PRECEDENCE } from "../../code.ts";
import { cast, named } from "../../printers.ts";
import type { OpPrinter, OpTable } from "../../target.ts";
import { SCALAR_OPS, shiftCount } from "../c/ops.ts";

const P = PRECEDENCE;
const LARGEST = 2 ** 31 - 1;

/**
 * `a + b`, or of i32 whose result may leave its range `kerf_add_i32(a, b)`.
 *
 * @param largest the result's bound from the operands' bounds
 */
const wrapping = (
  operator: string,
  level: number,
  options: { readonly name: string; readonly largest: (a: number, b: number) => number },
): OpPrinter =>
([a, b]) => {
  const bound = options.largest(a!.bound ?? Infinity, b!.bound ?? Infinity);
  const plain = a!.type !== "i32" || bound <= LARGEST;
  return plain ? infix(operator, level, a!, b!) : call(options.name, a!, b!);
};

const multiply = wrapping("*", P.multiply, { name: "kerf_mul_i32", largest: (a, b) => a * b });

/** A shift of the bits as they are: plain where the sign bit is 0 before and after. */
const shiftBits = (operator: "<<" | ">>"): OpPrinter => ([a, b]) => {
  const growth = operator === "<<" ? 2 ** (b!.bound ?? Infinity) : 1;
  const plain = (a!.bound ?? Infinity) * growth <= LARGEST;
  if (plain) return guarded(operator, P.shift, a!, shiftCount(b!));
  return cast("i32", guarded(operator, P.shift, cast("u32", a!), shiftCount(b!)));
};

/** Every operation on values of one thread. */
export const CUDA_OPS: OpTable = Object.freeze<OpTable>({
  ...SCALAR_OPS,
  neg: (args, type) => type === "i32" ? call("kerf_neg_i32", args[0]!) : SCALAR_OPS.neg(args, type),
  add: wrapping("+", P.add, { name: "kerf_add_i32", largest: (a, b) => a + b }),
  // Two numbers of 0 … 2³¹ − 1 have a difference in range.
  sub: wrapping("-", P.add, { name: "kerf_sub_i32", largest: Math.max }),
  mul: multiply,
  imul: multiply,
  abs: named("kerf_abs", "kerf_abs_i32"),
  rem: named("kerf_rem"),
  sqrt: named("kerf_sqrt"),
  floor: named("kerf_floor"),
  ceil: named("kerf_ceil"),
  trunc: named("kerf_trunc"),
  round: named("kerf_round"),
  shl: shiftBits("<<"),
  ushr: shiftBits(">>"),
  toI32: ([a]) => a!.type === "bool" ? cast("i32", a!) : call("kerf_to_i32", a!),
});
