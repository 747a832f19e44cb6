/**
 * Operators by their token: arithmetic and bits in files of their own, comparisons, logic and the unary
 * ones here. What has no token here is refused.
 */

import { type BinaryExpression, type Node, type PrefixUnaryExpression, SyntaxKind } from "ts-morph";
import type { OpName } from "../ir/types.ts";
import { ARITHMETIC, lowerArithmetic, lowerPower } from "./arithmetic.ts";
import { BITS, lowerBits, lowerComplement } from "./bits.ts";
import {
  idAs,
  type Lowering,
  meet,
  type Operand,
  operate,
  refuse,
  refuseKind,
  refuseNonNumbers,
  under,
} from "./lowering.ts";
import { type Hint, literal, type Lowered, NOTHING, numberValue, type Scope } from "./value.ts";

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
    return lowerComplement(l, { value, at }, node, hint);
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
