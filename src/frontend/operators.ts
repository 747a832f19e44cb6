/**
 * Unary and binary operators. Operators on literals alone are computed as TypeScript computes them; all
 * others become one IR operation after their operands met in one type.
 */

import { type BinaryExpression, type Node, type PrefixUnaryExpression, SyntaxKind } from "ts-morph";
import type { OpName } from "../ir/types.ts";
import {
  arithmetic,
  idAs,
  isWhole,
  type Lowering,
  meet,
  operate,
  refuse,
  refuseKind,
  under,
} from "./lowering.ts";
import {
  type Hint,
  literal,
  type LiteralValue,
  type Lowered,
  NOTHING,
  numberValue,
  type Scope,
} from "./value.ts";

/** A lowered operand with the node it came from. */
export interface Operand {
  readonly value: Lowered;
  readonly at: Node;
}

type Fold = (a: number, b: number) => number;

const ARITHMETIC: ReadonlyMap<SyntaxKind, { op: OpName; fold: Fold; keepsWhole: boolean }> =
  new Map([
    [SyntaxKind.PlusToken, { op: "add", fold: (a, b) => a + b, keepsWhole: true }],
    [SyntaxKind.MinusToken, { op: "sub", fold: (a, b) => a - b, keepsWhole: true }],
    [SyntaxKind.AsteriskToken, { op: "mul", fold: (a, b) => a * b, keepsWhole: true }],
    [SyntaxKind.SlashToken, { op: "div", fold: (a, b) => a / b, keepsWhole: false }],
    [SyntaxKind.PercentToken, { op: "rem", fold: (a, b) => a % b, keepsWhole: true }],
  ]);

const BITS: ReadonlyMap<SyntaxKind, { op: OpName; fold: Fold }> = new Map([
  [SyntaxKind.AmpersandToken, { op: "and", fold: (a, b) => a & b }],
  [SyntaxKind.BarToken, { op: "or", fold: (a, b) => a | b }],
  [SyntaxKind.CaretToken, { op: "xor", fold: (a, b) => a ^ b }],
  [SyntaxKind.LessThanLessThanToken, { op: "shl", fold: (a, b) => a << b }],
  [SyntaxKind.GreaterThanGreaterThanToken, { op: "shr", fold: (a, b) => a >> b }],
  [
    SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
    { op: "ushr", fold: (a, b) => a >>> b },
  ],
]);

const COMPARE: ReadonlyMap<SyntaxKind, OpName> = new Map([
  [SyntaxKind.LessThanToken, "lt"],
  [SyntaxKind.LessThanEqualsToken, "le"],
  [SyntaxKind.GreaterThanToken, "gt"],
  [SyntaxKind.GreaterThanEqualsToken, "ge"],
  [SyntaxKind.EqualsEqualsEqualsToken, "eq"],
  [SyntaxKind.ExclamationEqualsEqualsToken, "ne"],
]);

const LOGIC: ReadonlyMap<SyntaxKind, OpName> = new Map([
  [SyntaxKind.AmpersandAmpersandToken, "land"],
  [SyntaxKind.BarBarToken, "lor"],
]);

/** `a ∘ b`. */
export function lowerBinary(
  l: Lowering,
  scope: Scope,
  node: BinaryExpression,
  hint: Hint,
): Lowered {
  const token = node.getOperatorToken();
  const kind = token.getKind();
  if (kind >= SyntaxKind.FirstAssignment && kind <= SyntaxKind.LastAssignment) {
    return refuse(l, "KERF0107", node);
  }
  if (kind === SyntaxKind.EqualsEqualsToken || kind === SyntaxKind.ExclamationEqualsToken) {
    const strict = kind === SyntaxKind.EqualsEqualsToken ? "===" : "!==";
    return refuse(l, "KERF0206", token, { fix: `write ${strict}` });
  }
  if (kind === SyntaxKind.QuestionQuestionToken) return refuse(l, "KERF0209", token);

  const known = ARITHMETIC.has(kind) || BITS.has(kind) || COMPARE.has(kind) || LOGIC.has(kind) ||
    kind === SyntaxKind.AsteriskAsteriskToken;
  if (!known) return refuse(l, "KERF0214", token, { message: `Cannot use \`${token.getText()}\`` });

  const operand = (side: Lowering, at: Node): Operand => ({
    value: l.expression(side, scope, at),
    at,
  });
  const a = operand(l, node.getLeft());
  const test = LOGIC.has(kind) && a.value.kind === "bool" ? a.value.id : undefined;
  const b = operand(under(l, test, LOGIC.get(kind) === "land"), node.getRight());
  if (a.value.kind === "nothing" || b.value.kind === "nothing") {
    // The other side may be wrong too.
    if (LOGIC.has(kind)) [a, b].forEach((o) => idAs(l, o.value, "bool", o.at));
    else refuseNonNumbers(l, a, b);
    return NOTHING;
  }

  const bits = BITS.get(kind);
  if (bits !== undefined) return lowerBits(l, bits, a, b, node, hint);
  const logic = LOGIC.get(kind);
  if (logic !== undefined) return lowerLogic(l, logic, a, b, node, hint);
  const compare = COMPARE.get(kind);
  if (compare !== undefined) return lowerComparison(l, compare, a, b, node, hint);
  if (kind === SyntaxKind.AsteriskAsteriskToken) return lowerPower(l, a, b, node, hint);
  return lowerArithmetic(l, ARITHMETIC.get(kind)!, a, b, node, hint);
}

function lowerArithmetic(
  l: Lowering,
  spec: { op: OpName; fold: Fold; keepsWhole: boolean },
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

function refuseNonNumbers(l: Lowering, ...operands: readonly Operand[]): Lowered {
  for (const { value, at } of operands) {
    if (value.kind !== "number" && value.kind !== "literal") refuseKind(l, value, "a number", at);
  }
  return NOTHING;
}

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

/** The 32 bits that TypeScript's bit operators read from a literal. */
const wrapLiteral = (value: Lowered): Lowered =>
  value.kind === "literal" && Number.isInteger(value.value) && Math.abs(value.value) <= 0xffffffff
    ? literal(value.value | 0)
    : value;

/** Operands of a bit operation as i32 node ids; undefined after a report. */
export function bitOperands(l: Lowering, operands: readonly Operand[]): number[] | undefined {
  const ids = operands.map(({ value, at }) => {
    const isFraction = value.kind === "number" ? !value.whole : !isWhole(value);
    if ((value.kind === "number" || value.kind === "literal") && isFraction) {
      l.report("KERF0305", at);
      return undefined;
    }
    return idAs(l, wrapLiteral(value), "i32", at);
  });
  return ids.some((id) => id === undefined) ? undefined : ids as number[];
}

function lowerBits(
  l: Lowering,
  spec: { op: OpName; fold: Fold },
  a: Operand,
  b: Operand,
  node: Node,
  hint: Hint,
): Lowered {
  if (a.value.kind === "literal" && b.value.kind === "literal") {
    const fraction = [a, b].find((o) => !isWhole(o.value));
    if (fraction !== undefined) return refuse(l, "KERF0305", fraction.at);
    return literal(spec.fold(a.value.value, b.value.value));
  }
  if (spec.op === "ushr" && !(b.value.kind === "literal" && inShiftRange(b.value.value))) {
    return refuse(l, "KERF0308", b.at);
  }
  const ids = bitOperands(l, [a, b]);
  return ids === undefined
    ? NOTHING
    : numberValue(operate(l, spec.op, ids, node, hint.name), "i32");
}

const inShiftRange = (n: number): boolean => Number.isInteger(n) && n >= 1 && n <= 31;

function lowerLogic(
  l: Lowering,
  op: OpName,
  a: Operand,
  b: Operand,
  node: Node,
  hint: Hint,
): Lowered {
  const [x, y] = [idAs(l, a.value, "bool", a.at), idAs(l, b.value, "bool", b.at)];
  if (x === undefined || y === undefined) return NOTHING;
  return { kind: "bool", id: operate(l, op, [x, y], node, hint.name) };
}

function lowerComparison(
  l: Lowering,
  op: OpName,
  a: Operand,
  b: Operand,
  node: Node,
  hint: Hint,
): Lowered {
  if (a.value.kind === "bool" && b.value.kind === "bool") return refuse(l, "KERF0309", node);
  const type = meet(a.value, b.value);
  if (type === undefined) return refuseNonNumbers(l, a, b);
  const ids = [idAs(l, a.value, type, a.at), idAs(l, b.value, type, b.at)];
  if (ids.some((id) => id === undefined)) return NOTHING;
  return { kind: "bool", id: operate(l, op, ids as number[], node, hint.name) };
}

/** `-x`, `!x`, `~x`. */
export function lowerUnary(
  l: Lowering,
  scope: Scope,
  node: PrefixUnaryExpression,
  hint: Hint,
): Lowered {
  const token = node.getOperatorToken();
  if (token === SyntaxKind.PlusPlusToken || token === SyntaxKind.MinusMinusToken) {
    return refuse(l, "KERF0107", node);
  }
  const at = node.getOperand();
  const value = l.expression(l, scope, at);
  if (value.kind === "nothing") return NOTHING;
  if (token === SyntaxKind.ExclamationToken) {
    const id = idAs(l, value, "bool", at);
    if (id === undefined) return NOTHING;
    return { kind: "bool", id: operate(l, "lnot", [id], node, hint.name) };
  }
  if (token === SyntaxKind.TildeToken) {
    if (value.kind === "literal") return literal(~value.value);
    const ids = bitOperands(l, [{ value, at }]);
    return ids === undefined
      ? NOTHING
      : numberValue(operate(l, "not", ids, node, hint.name), "i32");
  }
  if (token === SyntaxKind.PlusToken) {
    return refuse(l, "KERF0214", node, {
      message: "Cannot use unary +",
      fix: "leave it out; for a bool write `condition ? 1 : 0`",
    });
  }
  if (value.kind === "literal") return literal(-value.value, value.real);
  if (value.kind !== "number") return refuseKind(l, value, "a number", at);
  const id = operate(l, "neg", [value.id], node, hint.name);
  return numberValue(id, value.type, value.whole);
}
