/**
 * Math.trunc, Math.floor and Math.ceil of a quotient of whole numbers: integer division, spelled out in
 * operations that every target computes alike. Division by zero gives 0 where TypeScript gives no number.
 */

import { type BinaryExpression, type CallExpression, Node, SyntaxKind } from "ts-morph";
import type { OpName } from "../ir/types.ts";
import { idAs, type Lowering, meet, type Operand, operate } from "./lowering.ts";
import { lowerMathCall } from "./math.ts";
import { lowerDivision } from "./arithmetic.ts";
import { unwrap } from "./resolve.ts";
import { type Hint, type Lowered, NOTHING, numberValue, type Scope } from "./value.ts";

type Rounding = "trunc" | "floor" | "ceil";

const isRounding = (name: string): name is Rounding =>
  name === "trunc" || name === "floor" || name === "ceil";

/** The division when the call is `Math.trunc(a / b)`, floor or ceil. */
function divisionIn(name: string, call: CallExpression): BinaryExpression | undefined {
  const args = call.getArguments();
  const only = isRounding(name) && args.length === 1 ? unwrap(args[0]!) : undefined;
  return Node.isBinaryExpression(only) &&
      only.getOperatorToken().getKind() === SyntaxKind.SlashToken
    ? only
    : undefined;
}

/** The rounded quotient when the call is one, of whole numbers or not; undefined when it is none. */
export function lowerQuotient(
  l: Lowering,
  scope: Scope,
  name: string,
  call: CallExpression,
  hint: Hint,
): Lowered | undefined {
  const division = divisionIn(name, call);
  if (division === undefined) return undefined;
  const operand = (at: Node): Operand => ({ value: l.expression(l, scope, at), at });
  const a = operand(division.getLeft());
  const b = operand(division.getRight());
  if (a.value.kind === "nothing" || b.value.kind === "nothing") return NOTHING;
  if (meet(a.value, b.value) !== "i32") {
    const value = lowerDivision(l, a, b, division, {});
    return lowerMathCall(l, name, [{ value, at: division }], call, hint);
  }
  const x = idAs(l, a.value, "i32", a.at);
  const y = idAs(l, b.value, "i32", b.at);
  if (x === undefined || y === undefined) return NOTHING;
  return numberValue(divide(l, name as Rounding, x, y, call, hint), "i32");
}

function divide(
  l: Lowering,
  name: Rounding,
  a: number,
  b: number,
  at: Node,
  hint: Hint,
): number {
  const op = (op: OpName, ...args: number[]) => operate(l, op, args, at);
  if (name === "trunc") return operate(l, "idiv", [a, b], at, hint.name);
  const whole = (value: number) => l.builder.constant(value, "i32", l.spanAt(at));
  const quotient = op("idiv", a, b);
  const rest = op("imod", a, b);
  // The rest's sign is a's: it differs from b's exactly when the true quotient is below the truncated one.
  const signs = op("xor", rest, b);
  const away = op(name === "floor" ? "lt" : "ge", signs, whole(0));
  const moves = op("land", op("ne", rest, whole(0)), away);
  const moved = op(name === "floor" ? "sub" : "add", quotient, whole(1));
  return operate(l, "select", [moves, moved, quotient], at, hint.name);
}
