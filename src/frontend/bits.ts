/**
 * Bit operations: on i32 only. A literal beyond i32 is a pattern of 32 bits, as in TypeScript.
 */

import { type Node, SyntaxKind } from "ts-morph";
import type { OpName } from "../ir/types.ts";
import { idAs, isWhole, type Lowering, type Operand, operate, refuse } from "./lowering.ts";
import { type Hint, literal, type Lowered, NOTHING, numberValue } from "./value.ts";

interface Operator {
  readonly op: OpName;
  readonly fold: (a: number, b: number) => number;
}

/** The operators, by token. */
export const BITS: ReadonlyMap<SyntaxKind, Operator> = new Map([
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

/** `a ∘ b` for an operator of the table. */
export function lowerBits(
  l: Lowering,
  spec: Operator,
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

/** `~x`. */
export function lowerComplement(l: Lowering, operand: Operand, node: Node, hint: Hint): Lowered {
  if (operand.value.kind === "literal" && isWhole(operand.value)) {
    return literal(~operand.value.value);
  }
  const ids = bitOperands(l, [operand]);
  return ids === undefined ? NOTHING : numberValue(operate(l, "not", ids, node, hint.name), "i32");
}
