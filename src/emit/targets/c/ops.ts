/**
 * C's two op tables: one value at a time, and sixteen side by side in GCC's vector extensions. What C's
 * own operators get wrong (NaN in max, overflow in conversions, division by zero) is a function of
 * templates/c/kerf.h; plain arithmetic stays plain. Signed overflow wraps by -fwrapv.
 */

import { atom, call, conditional, guarded, PRECEDENCE, prefix, relation } from "../../code.ts";
import type { Code, Operand } from "../../code.ts";
import { arithmetic, bitwise, cast, named, unary } from "../../printers.ts";
import type { OpPrinter, OpTable } from "../../target.ts";

const P = PRECEDENCE;

const comparison = (operator: string, level: number): OpPrinter => ([a, b]) =>
  relation(operator, level, a!, b!);

/** A shift's count, modulo 32 as the operation says. */
export const shiftCount = (count: Operand): Code =>
  count.bound !== undefined && count.bound < 32 ? count : guarded("&", P.and, count, atom("31"));

/** Operators that GCC's vectors share with scalars, comparisons apart (see kerf_lanes.h). */
const shared = {
  neg: unary("-"),
  add: arithmetic("+", P.add),
  sub: arithmetic("-", P.add),
  mul: arithmetic("*", P.multiply),
  div: arithmetic("/", P.multiply),
  imul: arithmetic("*", P.multiply),
  and: bitwise("&", P.and),
  or: bitwise("|", P.or),
  xor: bitwise("^", P.xor),
  not: unary("~"),
  shl: ([a, b]: readonly Operand[]) => guarded("<<", P.shift, a!, shiftCount(b!)),
  shr: ([a, b]: readonly Operand[]) => guarded(">>", P.shift, a!, shiftCount(b!)),
} satisfies Partial<OpTable>;

/** One value at a time. */
export const SCALAR_OPS: OpTable = Object.freeze<OpTable>({
  ...shared,
  lt: comparison("<", P.relation),
  le: comparison("<=", P.relation),
  gt: comparison(">", P.relation),
  ge: comparison(">=", P.relation),
  eq: comparison("==", P.equality),
  ne: comparison("!=", P.equality),
  abs: named("fabsf", "kerf_abs_i32"),
  sign: named("kerf_sign", "kerf_sign_i32"),
  min: named("kerf_min", "kerf_min_i32"),
  max: named("kerf_max", "kerf_max_i32"),
  rem: named("fmodf"),
  sqrt: named("sqrtf"),
  exp: named("kerf_exp"),
  exp2: named("kerf_exp2"),
  log: named("kerf_log"),
  log2: named("kerf_log2"),
  tanh: named("kerf_tanh"),
  sin: named("kerf_sin"),
  cos: named("kerf_cos"),
  pow: named("kerf_pow"),
  floor: named("floorf"),
  ceil: named("ceilf"),
  trunc: named("truncf"),
  round: named("rintf"),
  idiv: named("kerf_div_i32"),
  imod: named("kerf_mod_i32"),
  ushr: ([a, b]) => cast("int32_t", guarded(">>", P.shift, cast("uint32_t", a!), shiftCount(b!))),
  land: bitwise("&&", P.logicalAnd),
  lor: bitwise("||", P.logicalOr),
  lnot: unary("!"),
  toF32: ([a]) => cast("float", a!),
  toI32: ([a]) => a!.type === "bool" ? cast("int32_t", a!) : call("kerf_to_i32", a!),
  f16ToF32: named("kerf_f16_to_f32"),
  select: ([c, a, b]) => conditional(c!, a!, b!),
});

/** A scalar operand as sixteen equal lanes. */
export function broadcast16(operand: Operand): Code {
  if (operand.varying) return operand;
  if (operand.type === "f32") return call("kerf_splat16", operand);
  return call(operand.type === "i32" ? "kerf_splat16_i32" : "kerf_mask16", operand);
}

/** A function of vectors; scalar operands are spread first. */
const lanesCall = (name: string, whole = name): OpPrinter => (args) =>
  call(args[0]!.type === "i32" ? whole : name, ...args.map(broadcast16));

/** A comparison; conditions are compared as their masks. */
const compares = (name: string, a: Operand, b: Operand): Code =>
  call(a.type === "f32" ? name : `${name}_i32`, broadcast16(a), broadcast16(b));

/** An operator of masks, whose scalar operands must become masks. */
const ofMasks = (operator: string, level: number): OpPrinter => ([a, b]) =>
  guarded(operator, level, broadcast16(a!), broadcast16(b!));

/** Sixteen values side by side; a condition is a mask of all-ones and all-zeros lanes. */
export const LANES_OPS: OpTable = Object.freeze<OpTable>({
  ...shared,
  lt: ([a, b]) => compares("kerf_less16", a!, b!),
  le: ([a, b]) => compares("kerf_at_most16", a!, b!),
  gt: ([a, b]) => compares("kerf_less16", b!, a!),
  ge: ([a, b]) => compares("kerf_at_most16", b!, a!),
  eq: ([a, b]) => compares("kerf_equal16", a!, b!),
  ne: ([a, b]) => prefix("~", compares("kerf_equal16", a!, b!)),
  abs: lanesCall("kerf_abs16", "kerf_abs16_i32"),
  sign: lanesCall("kerf_sign16", "kerf_sign16_i32"),
  min: lanesCall("kerf_min16", "kerf_min16_i32"),
  max: lanesCall("kerf_max16", "kerf_max16_i32"),
  rem: lanesCall("kerf_rem16"),
  sqrt: lanesCall("kerf_sqrt16"),
  exp: lanesCall("kerf_exp16"),
  exp2: lanesCall("kerf_exp2_16"),
  log: lanesCall("kerf_log16"),
  log2: lanesCall("kerf_log2_16"),
  tanh: lanesCall("kerf_tanh16"),
  sin: lanesCall("kerf_sin16"),
  cos: lanesCall("kerf_cos16"),
  pow: lanesCall("kerf_pow16"),
  floor: lanesCall("kerf_floor16"),
  ceil: lanesCall("kerf_ceil16"),
  trunc: lanesCall("kerf_trunc16"),
  round: lanesCall("kerf_round16"),
  idiv: lanesCall("kerf_div16_i32"),
  imod: lanesCall("kerf_mod16_i32"),
  ushr: ([a, b]) => call("kerf_ushr16", broadcast16(a!), broadcast16(b!)),
  land: ofMasks("&", P.and),
  lor: ofMasks("|", P.or),
  lnot: unary("~"),
  toF32: ([a]) => call("kerf_to_f32x16", a!.type === "bool" ? prefix("-", a!) : a!),
  toI32: ([a]) => a!.type === "bool" ? prefix("-", a!) : call("kerf_to_i32x16", a!),
  f16ToF32: lanesCall("kerf_f16_bits_to_f32x16"),
  select: ([c, a, b]) => {
    if (!c!.varying) return conditional(c!, broadcast16(a!), broadcast16(b!));
    const name = a!.type === "f32" ? "kerf_select16" : "kerf_select16_i32";
    return call(name, c!, broadcast16(a!), broadcast16(b!));
  },
});
