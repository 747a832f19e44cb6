/**
 * Binds names to values: plain names, `{ a, b: c }` of a record and `[x, y]` of a function's results.
 * A name that starts with _ may be left unused.
 */

import { type BindingName, Node } from "ts-morph";
import { fieldOf } from "./access.ts";
import { type Lowering, refuse } from "./lowering.ts";
import { describe, type Lowered, NOTHING } from "./value.ts";

/** Adds the names of a pattern to a scope. */
export function bind(
  l: Lowering,
  scope: Map<string, Lowered>,
  pattern: BindingName,
  value: Lowered,
): void {
  if (Node.isIdentifier(pattern)) {
    scope.set(pattern.getText(), value);
    return;
  }
  pattern.getElements().forEach((element, i) => {
    if (!Node.isBindingElement(element)) return;
    const isPlain = element.getInitializer() === undefined &&
      element.getDotDotDotToken() === undefined;
    if (!isPlain) {
      l.report("KERF0103", element);
      return bind(l, scope, element.getNameNode(), NOTHING);
    }
    const inner = Node.isObjectBindingPattern(pattern)
      ? fieldOf(l, value, fieldName(element), element)
      : itemOf(l, value, i, element);
    bind(l, scope, element.getNameNode(), inner);
  });
}

function fieldName(element: Node): string {
  if (!Node.isBindingElement(element)) return "";
  const property = element.getPropertyNameNode() ?? element.getNameNode();
  return Node.isStringLiteral(property) ? property.getLiteralText() : property.getText();
}

function itemOf(l: Lowering, value: Lowered, index: number, at: Node): Lowered {
  if (value.kind === "nothing") return NOTHING;
  if (value.kind !== "tuple") {
    return refuse(l, "KERF0215", at, { message: `Cannot destructure ${describe(value)}` });
  }
  return value.items[index] ??
    refuse(l, "KERF0113", at, {
      message: `Cannot take value ${index + 1} of ${value.items.length}`,
    });
}
