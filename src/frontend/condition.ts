/**
 * Conditions: `c ? a : b` and if … return. Both sides are lowered; the values meet in one type and a
 * select chooses.
 */

import type { ConditionalExpression, Node } from "ts-morph";
import { idAs, isWhole, type Lowering, meet, operate, refuse, under } from "./lowering.ts";
import { describe, type Hint, type Lowered, NOTHING, numberValue, type Scope } from "./value.ts";

/** `c ? a : b`. */
export function lowerConditional(
  l: Lowering,
  scope: Scope,
  node: ConditionalExpression,
  hint: Hint,
): Lowered {
  const inner = hint.expected === undefined ? {} : { expected: hint.expected };
  return lowerCondition(l, scope, node.getCondition(), node, hint, {
    then: (side) => l.expression(side, scope, node.getWhenTrue(), inner),
    otherwise: (side) => l.expression(side, scope, node.getWhenFalse(), inner),
  });
}

/** How each side is lowered; loads in it are guarded by the condition. */
interface Sides {
  readonly then: (l: Lowering) => Lowered;
  readonly otherwise: (l: Lowering) => Lowered;
}

/** The value of one of two sides, both lowered in order after the condition. */
export function lowerCondition(
  l: Lowering,
  scope: Scope,
  condition: Node,
  node: Node,
  hint: Hint,
  sides: Sides,
): Lowered {
  const test = idAs(l, l.expression(l, scope, condition), "bool", condition);
  const a = sides.then(under(l, test, true));
  const b = sides.otherwise(under(l, test, false));
  return test === undefined ? NOTHING : select(l, test, a, b, node, hint);
}

function select(
  l: Lowering,
  test: number,
  a: Lowered,
  b: Lowered,
  at: Node,
  hint: Hint,
): Lowered {
  if (a.kind === "nothing" || b.kind === "nothing") return NOTHING;
  if (a.kind === "tuple" && b.kind === "tuple" && a.items.length === b.items.length) {
    const items = a.items.map((item, i) => select(l, test, item, b.items[i]!, at, {}));
    return { kind: "tuple", items };
  }
  if (a.kind === "bool" && b.kind === "bool") {
    return { kind: "bool", id: operate(l, "select", [test, a.id, b.id], at, hint.name) };
  }
  const literals = a.kind === "literal" && b.kind === "literal";
  const wantsI32 = literals && hint.expected === "i32" && isWhole(a) && isWhole(b);
  const type = wantsI32 ? "i32" : meet(a, b);
  if (type === undefined) {
    const message = `Cannot choose between ${describe(a)} and ${describe(b)}`;
    return refuse(l, "KERF0307", at, { message });
  }
  const x = idAs(l, a, type, at);
  const y = idAs(l, b, type, at);
  if (x === undefined || y === undefined) return NOTHING;
  const id = operate(l, "select", [test, x, y], at, hint.name);
  return numberValue(id, type, isWhole(a) && isWhole(b));
}
