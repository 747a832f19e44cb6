/**
 * The one table of operations: for each, the operand types it takes, the type it gives and its meaning on
 * the CPU. The meaning is JavaScript's, so an author's function run as TypeScript agrees with it; every
 * target's op table is held to it. A missing operation is a type error.
 */

import type { OpName, Scalar } from "./types.ts";
import {
  halfToNumber,
  type Mode,
  roundHalfEven,
  roundTo,
  saturateToI32,
  type Value,
} from "./value.ts";

/** One way to call an operation. */
export interface Overload {
  readonly operands: readonly Scalar[];
  readonly result: Scalar;
  /** The meaning in f64; in mode "f32" an f32 result is rounded by Math.fround. i32 results wrap. */
  readonly run: (operands: readonly Value[]) => Value;
}

/** One operation. Every operation is pure. */
export interface OpSpec {
  readonly arity: 1 | 2 | 3;
  /** One line of the language reference. */
  readonly doc: string;
  readonly overloads: readonly Overload[];
}

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

const unary = (type: Scalar, run: Unary): Overload => ({
  operands: [type],
  result: type,
  run: ([x]) => run(x as number),
});
const binary = (type: Scalar, run: Binary): Overload => ({
  operands: [type, type],
  result: type,
  run: ([a, b]) => run(a as number, b as number),
});
const comparison = (type: Scalar, run: (a: number, b: number) => boolean): Overload => ({
  operands: [type, type],
  result: "bool",
  run: ([a, b]) => run(a as number, b as number),
});
const logical = (run: (a: boolean, b: boolean) => boolean): Overload => ({
  operands: ["bool", "bool"],
  result: "bool",
  run: ([a, b]) => run(a as boolean, b as boolean),
});
const conversion = (from: Scalar, to: Scalar, run: Unary): Overload => ({
  operands: [from],
  result: to,
  run: ([x]) => run(Number(x)),
});
const selection = (type: Scalar): Overload => ({
  operands: ["bool", type, type],
  result: type,
  run: ([condition, a, b]) => condition ? a! : b!,
});

const spec = (doc: string, ...overloads: readonly [Overload, ...Overload[]]): OpSpec => {
  const arity = overloads[0].operands.length as 1 | 2 | 3;
  return Object.freeze({ arity, doc, overloads: Object.freeze(overloads) });
};

/** An operation on f32 and on i32; the i32 result wraps to 32 bits. */
const number1 = (doc: string, run: Unary) =>
  spec(doc, unary("f32", run), unary("i32", (x) => run(x) | 0));
const number2 = (doc: string, run: Binary, whole: Binary = run) =>
  spec(doc, binary("f32", run), binary("i32", (a, b) => whole(a, b) | 0));
const real1 = (doc: string, run: Unary) => spec(doc, unary("f32", run));
const real2 = (doc: string, run: Binary) => spec(doc, binary("f32", run));
const whole1 = (doc: string, run: Unary) => spec(doc, unary("i32", (x) => run(x) | 0));
const whole2 = (doc: string, run: Binary) => spec(doc, binary("i32", (a, b) => run(a, b) | 0));
const compare = (doc: string, run: (a: number, b: number) => boolean) =>
  spec(doc, comparison("f32", run), comparison("i32", run));

/**
 * Every operation. Bits that a target's own instruction may get wrong are in the documentation strings:
 * NaN and −0 of min and max, division by zero, ties of round, saturation of toI32.
 */
export const OPS: Readonly<Record<OpName, OpSpec>> = Object.freeze({
  neg: number1("−x; −(−2³¹) wraps to itself.", (x) => -x),
  abs: number1("|x|; |−2³¹| wraps to itself.", Math.abs),
  sign: number1("−1, 0 or 1; keeps −0 and NaN.", Math.sign),
  add: number2("a + b.", (a, b) => a + b),
  sub: number2("a − b.", (a, b) => a - b),
  mul: number2("a · b.", (a, b) => a * b, Math.imul),
  min: number2("The smaller; NaN if either is NaN; −0 < 0.", Math.min),
  max: number2("The larger; NaN if either is NaN; −0 < 0.", Math.max),

  div: real2("a / b.", (a, b) => a / b),
  rem: real2(
    "a − b · trunc(a / b) without rounding, with the sign of a: JavaScript's %.",
    (a, b) => a % b,
  ),
  sqrt: real1("√x, correctly rounded.", Math.sqrt),
  exp: real1("eˣ.", Math.exp),
  exp2: real1("2ˣ.", (x) => 2 ** x),
  log: real1("ln x; NaN below 0.", Math.log),
  log2: real1("log₂ x; NaN below 0.", Math.log2),
  tanh: real1("tanh x.", Math.tanh),
  sin: real1("sin x, x in radians.", Math.sin),
  cos: real1("cos x, x in radians.", Math.cos),
  pow: real2("aᵇ; unlike C, NaN for (±1)^±∞ and 1^NaN.", Math.pow),
  floor: real1("The largest whole number ≤ x.", Math.floor),
  ceil: real1("The smallest whole number ≥ x.", Math.ceil),
  trunc: real1("x without its fraction.", Math.trunc),
  round: real1(
    "The nearest whole number, ties to even: not JavaScript's Math.round.",
    roundHalfEven,
  ),

  idiv: whole2(
    "a / b truncated toward zero; 0 when b is 0; −2³¹ / −1 wraps to −2³¹.",
    (a, b) => a / b,
  ),
  imod: whole2("The remainder of idiv, with the sign of a; 0 when b is 0.", (a, b) => a % b),
  imul: whole2("a · b modulo 2³²: Math.imul.", Math.imul),
  and: whole2("Bitwise and.", (a, b) => a & b),
  or: whole2("Bitwise or.", (a, b) => a | b),
  xor: whole2("Bitwise exclusive or.", (a, b) => a ^ b),
  not: whole1("Bitwise complement.", (x) => ~x),
  shl: whole2("a shifted left by b & 31.", (a, b) => a << b),
  shr: whole2("a shifted right by b & 31, copies of the sign bit enter.", (a, b) => a >> b),
  ushr: whole2(
    "a shifted right by b & 31, zeros enter; the bits are read as i32.",
    (a, b) => a >>> b,
  ),

  lt: compare("a < b.", (a, b) => a < b),
  le: compare("a ≤ b.", (a, b) => a <= b),
  gt: compare("a > b.", (a, b) => a > b),
  ge: compare("a ≥ b.", (a, b) => a >= b),
  eq: compare("a = b; false if either is NaN; −0 = 0.", (a, b) => a === b),
  ne: compare("Not a = b.", (a, b) => a !== b),

  land: spec("Both; both operands are evaluated.", logical((a, b) => a && b)),
  lor: spec("Either; both operands are evaluated.", logical((a, b) => a || b)),
  lnot: spec("Not.", { operands: ["bool"], result: "bool", run: ([x]) => !x }),

  toF32: spec(
    "The nearest f32 of an i32; 1 or 0 of a bool.",
    conversion("i32", "f32", (x) => x),
    conversion("bool", "f32", (x) => x),
  ),
  toI32: spec(
    "Truncates toward zero; beyond i32's range its ends, NaN gives 0; 1 or 0 of a bool.",
    conversion("f32", "i32", saturateToI32),
    conversion("bool", "i32", (x) => x),
  ),
  f16ToF32: spec("The low 16 bits read as an IEEE half.", conversion("i32", "f32", halfToNumber)),

  select: spec(
    "a where the condition holds, else b; both are evaluated.",
    selection("f32"),
    selection("i32"),
    selection("bool"),
  ),
});

/** Every operation's name. */
export const OP_NAMES = Object.freeze(Object.keys(OPS) as OpName[]);

const overloadOf = (op: OpName, operands: readonly Scalar[]): Overload | undefined =>
  OPS[op].overloads.find((o) =>
    o.operands.length === operands.length && o.operands.every((type, i) => type === operands[i])
  );

/** The type an operation gives for operands of these types; null when it does not take them. */
export function resultType(op: OpName, operands: readonly Scalar[]): Scalar | null {
  return overloadOf(op, operands)?.result ?? null;
}

/** What an operation takes, for messages: `(f32, f32) or (i32, i32)`. */
export function describeOperands(op: OpName): string {
  return OPS[op].overloads.map((o) => `(${o.operands.join(", ")})`).join(" or ");
}

/**
 * The value of one operation.
 *
 * @param operands values of the types given, f32 ones already rounded in mode "f32"
 * @throws {TypeError} when the operation does not take these types
 */
export function evaluate(
  op: OpName,
  types: readonly Scalar[],
  operands: readonly Value[],
  mode: Mode,
): Value {
  const overload = overloadOf(op, types);
  if (overload === undefined) {
    throw new TypeError(
      `Cannot evaluate "${op}" of (${types.join(", ")}): it takes ${describeOperands(op)}`,
    );
  }
  return roundTo(overload.run(operands), overload.result, mode);
}
