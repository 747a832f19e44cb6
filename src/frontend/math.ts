/**
 * The functions and constants of Math that a kernel may use. Calls on literals alone are computed as
 * TypeScript computes them.
 */

import type { Node } from "ts-morph";
import type { OpName } from "../ir/types.ts";
import {
  arithmetic,
  idAs,
  isWhole,
  type Lowering,
  meet,
  type Operand,
  operate,
  refuse,
} from "./lowering.ts";
import { lowerPower } from "./arithmetic.ts";
import { bitOperands } from "./bits.ts";
import { type Hint, literal, type Lowered, NOTHING, numberValue } from "./value.ts";

/** Functions of one f32. */
const REAL: Readonly<Record<string, OpName>> = {
  sqrt: "sqrt",
  exp: "exp",
  log: "log",
  log2: "log2",
  tanh: "tanh",
  sin: "sin",
  cos: "cos",
};

/** Functions of one number that keep its type. */
const SAME: Readonly<Record<string, OpName>> = { abs: "abs", sign: "sign" };

/** Functions that remove a fraction; of an i32, the number itself. */
const WHOLE: Readonly<Record<string, OpName>> = { floor: "floor", ceil: "ceil", trunc: "trunc" };

/** Functions of two or more numbers that meet in one type. */
const EXTREME: Readonly<Record<string, OpName>> = { min: "min", max: "max" };

/** What to write for functions that no target shares. */
const INSTEAD: Readonly<Record<string, string>> = {
  fround: "leave it out: kernels round every f32 anyway",
  tan: "write `Math.sin(x) / Math.cos(x)`",
  sinh: "write `(Math.exp(x) - Math.exp(-x)) / 2`",
  cosh: "write `(Math.exp(x) + Math.exp(-x)) / 2`",
  cbrt: "write `Math.sign(x) * Math.abs(x) ** (1 / 3)`",
  hypot: "write `Math.sqrt(x * x + y * y)`",
  log10: "write `Math.log(x) / Math.LN10`",
  log1p: "write `Math.log(1 + x)`",
  expm1: "write `Math.exp(x) - 1`",
};

type MathFunction = (...args: number[]) => number;
const MATH = Math as unknown as Readonly<Record<string, MathFunction | number>>;

/** `Math.PI` and its like; undefined when Math has no such constant. */
export function mathConstant(name: string): Lowered | undefined {
  const value = Object.hasOwn(MATH, name) ? MATH[name] : undefined;
  return typeof value === "number" ? literal(value, true) : undefined;
}

/** `Math.name(…)` of lowered arguments. For Math.floor(a / b) see quotient.ts. */
export function lowerMathCall(
  l: Lowering,
  name: string,
  args: readonly Operand[],
  node: Node,
  hint: Hint,
): Lowered {
  if (name === "round") return refuse(l, "KERF0204", node);
  // TypeScript reports it: the mini-lib has none.
  if (name === "random") return NOTHING;
  const n = arityOf(name);
  if (n === undefined) {
    const message = `Cannot use Math.${name} in a kernel`;
    const fix = INSTEAD[name];
    return refuse(l, "KERF0203", node, fix === undefined ? { message } : { message, fix });
  }
  if (n === "some" ? args.length === 0 : args.length !== n) {
    const wanted = n === "some"
      ? "one or more arguments"
      : n === 1
      ? "1 argument"
      : `${n} arguments`;
    const message = `Math.${name} takes ${wanted}, not ${args.length}`;
    return refuse(l, "KERF0205", node, { message });
  }
  if (args.some((a) => a.value.kind === "nothing")) return NOTHING;
  const numbers = args.map((a) => a.value.kind === "literal" ? a.value.value : undefined);
  if (numbers.every((x) => x !== undefined)) {
    return literal((MATH[name] as MathFunction)(...numbers));
  }
  return lowerTyped(l, name, args, node, hint);
}

function arityOf(name: string): number | "some" | undefined {
  const has = (table: object) => Object.hasOwn(table, name);
  if (has(EXTREME)) return "some";
  if (has(REAL) || has(SAME) || has(WHOLE)) return 1;
  return name === "pow" || name === "imul" ? 2 : undefined;
}

function lowerTyped(
  l: Lowering,
  name: string,
  args: readonly Operand[],
  node: Node,
  hint: Hint,
): Lowered {
  const a = args[0]!;
  if (name === "pow") return lowerPower(l, a, args[1]!, node, hint);
  if (name === "imul") {
    const ids = bitOperands(l, args);
    return ids === undefined
      ? NOTHING
      : numberValue(operate(l, "imul", ids, node, hint.name), "i32");
  }
  const extreme = EXTREME[name];
  if (extreme !== undefined) return lowerExtreme(l, extreme, args, node, hint);
  const whole = WHOLE[name];
  const isI32 = a.value.kind === "number" && a.value.type === "i32";
  if (whole !== undefined && isI32) return a.value;
  const op = whole ?? SAME[name] ?? REAL[name]!;
  const id = idAs(l, a.value, isI32 && op in SAME ? "i32" : "f32", a.at);
  if (id === undefined) return NOTHING;
  const result = operate(l, op, [id], node, hint.name);
  const keeps = op === "sign" || (op === "abs" && isWhole(a.value));
  return numberValue(result, l.builder.typeOf(result), whole !== undefined || keeps);
}

function lowerExtreme(
  l: Lowering,
  op: OpName,
  args: readonly Operand[],
  node: Node,
  hint: Hint,
): Lowered {
  let best = args[0]!;
  for (const next of args.slice(1)) {
    const type = meet(best.value, next.value) ?? "f32";
    const whole = isWhole(best.value) && isWhole(next.value);
    const isLast = next === args.at(-1);
    const result = arithmetic(l, op, type, [best, next], node, isLast ? hint.name : undefined);
    if (result === undefined) return NOTHING;
    best = { value: { ...result, whole: result.whole || whole }, at: node };
  }
  return best.value;
}
