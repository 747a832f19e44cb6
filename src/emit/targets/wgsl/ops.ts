/**
 * WGSL's op table: one thread is one lane, so there is one form. Where WGSL's own operator has another
 * meaning than Kerf's (division by zero, NaN in max, conversions out of range) the text calls a function
 * of templates/wgsl/kerf.wgsl, whose header lists what WGSL cannot promise.
 *
 * An operation on literals alone is never printed bare: WGSL evaluates it at compile time and refuses a
 * result that overflows.
 */

import type { OpName, Scalar } from "../../../ir/types.ts";
import { atom, call, guarded, PRECEDENCE, within } from "../../code.ts";
import type { Code, Operand } from "../../code.ts";
import { arithmetic, bitwise, named, unary } from "../../printers.ts";
import type { OpPrinter, OpTable } from "../../target.ts";

const P = PRECEDENCE;

const LITERAL = /^(-?\d[\d.]*(e[+-]?\d+)?|-?0x[0-9a-f]+|i32\(0x[0-9a-f]+u\)|true|false)$/;

/** Both operands of a shift must be unary: WGSL's grammar has no chains of them. */
const unaryOnly = (code: Code): Code => ({
  text: within(code, P.unary),
  precedence: P.unary,
});

/** The bits of an i32 as u32; a negative literal has no conversion, so its bits are printed. */
const bitsOf = (code: Code): Code =>
  /^-\d+$/.test(code.text) ? atom(`${Number(code.text) >>> 0}u`) : call("u32", code);

/** A shift's count: u32, modulo 32 as the operation says. */
const shiftCount = (count: Operand): Code => {
  if (/^\d+$/.test(count.text)) return atom(`${Number(count.text) % 32}u`);
  const small = (count.bound ?? Infinity) < 32;
  return call("u32", small ? count : guarded("&", P.and, count, atom("31")));
};

const shift = (operator: string, a: Code, count: Operand): Code =>
  guarded(operator, P.shift, unaryOnly(a), shiftCount(count));

/** A condition as an argument: `f(a < b, c > d)` would read as a template list. */
const condition = (code: Code): Code =>
  code.precedence <= P.relation ? atom(`(${code.text})`) : code;

const printers: OpTable = {
  neg: unary("-"),
  abs: named("abs"),
  sign: named("kerf_sign", "sign"),
  add: arithmetic("+", P.add),
  sub: arithmetic("-", P.add),
  mul: arithmetic("*", P.multiply),
  min: named("kerf_min", "min"),
  max: named("kerf_max", "max"),

  div: arithmetic("/", P.multiply),
  rem: named("kerf_rem"),
  sqrt: named("sqrt"),
  exp: named("kerf_exp"),
  exp2: named("kerf_exp2"),
  log: named("log"),
  log2: named("log2"),
  tanh: named("kerf_tanh"),
  sin: named("sin"),
  cos: named("cos"),
  pow: named("kerf_pow"),
  floor: named("floor"),
  ceil: named("ceil"),
  trunc: named("trunc"),
  round: named("round"),

  idiv: named("kerf_div_i32", "kerf_div_i32"),
  imod: named("kerf_mod_i32", "kerf_mod_i32"),
  imul: arithmetic("*", P.multiply),
  and: bitwise("&", P.and),
  or: bitwise("|", P.or),
  xor: bitwise("^", P.xor),
  not: unary("~"),
  shl: ([a, b]) => shift("<<", a!, b!),
  shr: ([a, b]) => shift(">>", a!, b!),
  ushr: ([a, b]) => call("i32", shift(">>", bitsOf(a!), b!)),

  lt: arithmetic("<", P.relation),
  le: arithmetic("<=", P.relation),
  gt: arithmetic(">", P.relation),
  ge: arithmetic(">=", P.relation),
  eq: arithmetic("==", P.relation),
  ne: arithmetic("!=", P.relation),

  land: bitwise("&&", P.logicalAnd),
  lor: bitwise("||", P.logicalOr),
  lnot: unary("!"),

  toF32: named("f32"),
  toI32: ([a]) => call(a!.type === "bool" ? "i32" : "kerf_to_i32", a!),
  f16ToF32: named("kerf_f16_to_f32", "kerf_f16_to_f32"),

  select: ([c, a, b]) => call("select", condition(b!), condition(a!), condition(c!)),
};

const OPAQUE: Readonly<Record<Scalar, string>> = {
  f32: "kerf_opaque_f32",
  i32: "kerf_opaque_i32",
  bool: "kerf_opaque_bool",
};

/** The operands with the first one hidden from the compiler when all are literals. */
const runtime = (args: readonly Operand[]): readonly Operand[] => {
  if (!args.every((a) => LITERAL.test(a.text))) return args;
  const [first, ...rest] = args;
  return [{ ...first!, ...call(OPAQUE[first!.type], first!) }, ...rest];
};

/** Every operation on values of one thread. */
export const WGSL_OPS: OpTable = Object.freeze(
  Object.fromEntries(
    Object.entries(printers).map((
      [op, print],
    ): [string, OpPrinter] => [op, (args, type) => print(runtime(args), type)]),
  ) as Record<OpName, OpPrinter>,
);
