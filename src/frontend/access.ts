/**
 * Names, fields and elements: what an identifier, `record.field`, `table[i]` and `bytes[i]!` stand for.
 */

import {
  type ElementAccessExpression,
  type Identifier,
  Node,
  type PropertyAccessExpression,
} from "ts-morph";
import { idAs, type Lowering, operate, refuse } from "./lowering.ts";
import { mathConstant } from "./math.ts";
import { asFunction, declarationOfName, isTopLevelConst, unwrap } from "./resolve.ts";
import {
  describe,
  type Hint,
  literal,
  type Lowered,
  NOTHING,
  numberValue,
  type Scope,
} from "./value.ts";

/** A name: a parameter or const in reach, or a constant number at the top of a kernel file. */
export function lowerIdentifier(l: Lowering, scope: Scope, node: Identifier): Lowered {
  const name = node.getText();
  const local = scope.get(name);
  if (local !== undefined) return read(l, local, node);
  if (name === "Infinity" || name === "NaN") return literal(name === "NaN" ? NaN : Infinity, true);
  const declaration = declarationOfName(node);
  if (declaration === undefined) {
    // TypeScript reports an unknown name, with the nearest one; `undefined` and `arguments` it knows.
    return node.getSymbol() === undefined ? NOTHING : refuse(l, "KERF0214", node);
  }
  if (asFunction(declaration) !== undefined) return refuse(l, "KERF0112", node);
  if (Node.isVariableDeclaration(declaration)) {
    const initializer = declaration.getInitializer();
    if (asFunction(initializer && unwrap(initializer)) !== undefined) {
      return refuse(l, "KERF0112", node);
    }
    if (isTopLevelConst(declaration) && initializer !== undefined && isArithmetic(initializer)) {
      const value = l.expression(l, new Map(), initializer);
      if (value.kind === "literal" || value.kind === "nothing") return value;
    }
  }
  const kind = Node.isVariableDeclaration(declaration) && !isTopLevelConst(declaration)
    ? "which can change"
    : "which is no constant number";
  return refuse(l, "KERF0213", node, { message: `Cannot use "${name}", ${kind}, in a kernel` });
}

/** A scalar parameter becomes a node where it is first read; all other values are themselves. */
function read(l: Lowering, value: Lowered, at: Node): Lowered {
  if (value.kind !== "argument") return value;
  const id = l.builder.arg(value.param, l.spanAt(at));
  return value.type === "bool" ? { kind: "bool", id } : numberValue(id, value.type);
}

/** Whether an initialiser can be a constant number at all, so that it is worth lowering. */
function isArithmetic(node: Node): boolean {
  const inner = unwrap(node);
  if (Node.isNumericLiteral(inner) || Node.isIdentifier(inner)) return true;
  if (Node.isPrefixUnaryExpression(inner)) return isArithmetic(inner.getOperand());
  if (Node.isBinaryExpression(inner)) {
    return isArithmetic(inner.getLeft()) && isArithmetic(inner.getRight());
  }
  if (Node.isPropertyAccessExpression(inner)) return inner.getExpression().getText() === "Math";
  return Node.isCallExpression(inner) && isArithmetic(inner.getExpression()) &&
    inner.getArguments().every(isArithmetic);
}

/** `record.field` and `Math.PI`. */
export function lowerField(
  l: Lowering,
  scope: Scope,
  node: PropertyAccessExpression,
): Lowered {
  if (node.hasQuestionDotToken()) return refuse(l, "KERF0209", node);
  const of = node.getExpression();
  const field = node.getName();
  if (Node.isIdentifier(of) && of.getText() === "Math" && !scope.has("Math")) {
    return mathConstant(field) ??
      refuse(l, "KERF0112", node, { message: `Cannot use Math.${field} as a value` });
  }
  const value = l.expression(l, scope, of);
  return read(l, fieldOf(l, value, field, node), node);
}

/** A field of a lowered value. */
export function fieldOf(l: Lowering, value: Lowered, field: string, at: Node): Lowered {
  switch (value.kind) {
    case "nothing":
      return NOTHING;
    case "record": {
      const known = value.fields.get(field);
      if (known !== undefined) return known;
      const names = [...value.fields.keys()].join(", ");
      const message = `Cannot find the field "${field}"`;
      return refuse(l, "KERF0212", at, {
        message,
        fix: `use one of ${names}, or declare a parameter`,
      });
    }
    case "column":
      return refuse(l, "KERF0402", at, { message: `Cannot read .${field} of ${describe(value)}` });
    default:
      return refuse(l, "KERF0408", at, { message: `Cannot read .${field} of ${describe(value)}` });
  }
}

/** `table[i]`, one dimension at a time, and `bytes[i]`. */
export function lowerElement(
  l: Lowering,
  scope: Scope,
  node: ElementAccessExpression,
  hint: Hint,
): Lowered {
  if (node.hasQuestionDotToken()) return refuse(l, "KERF0209", node);
  const value = l.expression(l, scope, node.getExpression());
  const argument = node.getArgumentExpressionOrThrow();
  switch (value.kind) {
    case "nothing":
      return NOTHING;
    case "record":
      return refuse(l, "KERF0211", node);
    case "column":
      return refuse(l, "KERF0402", node, { message: `Cannot index ${describe(value)}` });
    case "bytes":
    case "table":
      break;
    case "tuple":
      return refuse(l, "KERF0211", node, {
        message: "Cannot index the results of a function",
        fix: "destructure them: `const [x, y] = f(…)`",
      });
    default: {
      // `table[i][j]` with j beyond the rank: the inner access already gave a number.
      const isElement = Node.isElementAccessExpression(unwrap(node.getExpression()));
      return isElement
        ? refuse(l, "KERF0406", node)
        : refuse(l, "KERF0408", node, { message: `Cannot index ${describe(value)}` });
    }
  }
  const given = l.expression(l, scope, argument);
  const plain = idAs(l, given, "i32", argument);
  if (plain === undefined) return NOTHING;
  // A block's size is fixed: a constant index that is right somewhere is right everywhere.
  const isSafe = value.kind === "bytes" && given.kind === "literal";
  const index = isSafe ? plain : guarded(l, plain, argument);
  const indices = value.kind === "table" ? [...value.indices, index] : [index];
  if (value.kind === "table" && indices.length < value.rank) return { ...value, indices };
  const id = l.builder.load(value.param, indices, l.spanAt(node), hint.name);
  return numberValue(id, l.builder.typeOf(id));
}

/**
 * The index where the author's code would read, else 0: both sides of a select are evaluated, so
 * `i < 4 ? b[i]! : b[i - 4]!` must not read at −4.
 */
function guarded(l: Lowering, index: number, at: Node): number {
  return l.guards.toReversed().reduce((inner, { test, when }) => {
    const zero = l.builder.constant(0, "i32", l.spanAt(at));
    return operate(l, "select", when ? [test, inner, zero] : [test, zero, inner], at);
  }, index);
}
