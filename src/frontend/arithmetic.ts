/**
 * Arithmetic on two numbers. On literals alone it is computed as TypeScript computes it; otherwise the
 * operands meet in one type and become one IR operation.
 */

import { type Node, SyntaxKind } from "ts-morph";
import type { OpName } from "../ir/types.ts";
import {
  arithmetic,
  isWhole,
  type Lowering,
  meet,
  type Operand,
  refuse,
  refuseNonNumbers,
} from "./lowering.ts";
import { type Hint, literal, type LiteralValue, type Lowered, NOTHING } from "./value.ts";

type Fold = (a: number, b: number) => number;

/** One operator. `keepsWhole`: of operands without a fraction it makes none. */
interface Operator {
  readonly op: OpName;
  readonly fold: Fold;
  readonly keepsWhole: boolean;
}

/** The operators, by token. */
export const ARITHMETIC: ReadonlyMap<SyntaxKind, Operator> = new Map([
  [SyntaxKind.PlusToken, { op: "add", fold: (a, b) => a + b, keepsWhole: true }],
  [SyntaxKind.MinusToken, { op: "sub", fold: (a, b) => a - b, keepsWhole: true }],
  [SyntaxKind.AsteriskToken, { op: "mul", fold: (a, b) => a * b, keepsWhole: true }],
  [SyntaxKind.SlashToken, { op: "div", fold: (a, b) => a / b, keepsWhole: false }],
  [SyntaxKind.PercentToken, { op: "rem", fold: (a, b) => a % b, keepsWhole: true }],
]);

/** `a ∘ b` for an operator of the table. */
export function lowerArithmetic(
  l: Lowering,
  spec: Operator,
  a: Operand,
  b: Operand,
  node: Node,
  hint: Hint,
): Lowered {
  if (a.value.kind === "literal" && b.value.kind === "literal") {
    return fold(a.value, b.value, spec.fold);
  }
  const type = meet(a.value, b.value);
  if (type === undefined) return refuseNonNumbers(l, a, b);
  if (type === "i32" && spec.op === "div") return refuse(l, "KERF0304", node);
  const op = type === "i32" && spec.op === "rem" ? "imod" : spec.op;
  const result = arithmetic(l, op, type, [a, b], node, hint.name);
  if (result === undefined) return NOTHING;
  const whole = spec.keepsWhole && isWhole(a.value) && isWhole(b.value);
  return { ...result, whole: result.whole || whole };
}

/** `a / b` of lowered operands. */
export function lowerDivision(
  l: Lowering,
  a: Operand,
  b: Operand,
  node: Node,
  hint: Hint,
): Lowered {
  return lowerArithmetic(l, ARITHMETIC.get(SyntaxKind.SlashToken)!, a, b, node, hint);
}

const fold = (a: LiteralValue, b: LiteralValue, run: Fold): Lowered =>
  literal(run(a.value, b.value), a.real || b.real);

/** `a ** b`: a square is a product and 2 ** b is exp2, both exact where pow need not be. */
export function lowerPower(
  l: Lowering,
  a: Operand,
  b: Operand,
  node: Node,
  hint: Hint,
): Lowered {
  if (a.value.kind === "literal" && b.value.kind === "literal") {
    return fold(a.value, b.value, (x, y) => x ** y);
  }
  const type = meet(a.value, b.value);
  if (type === undefined) return refuseNonNumbers(l, a, b);
  if (b.value.kind === "literal" && b.value.value === 2) {
    const own = a.value.kind === "number" ? a.value.type : "f32";
    const square = arithmetic(l, "mul", own, [a, a], node, hint.name);
    return square === undefined ? NOTHING : { ...square, whole: isWhole(a.value) };
  }
  if (a.value.kind === "literal" && a.value.value === 2) {
    return arithmetic(l, "exp2", "f32", [b], node, hint.name) ?? NOTHING;
  }
  return arithmetic(l, "pow", "f32", [a, b], node, hint.name) ?? NOTHING;
}
