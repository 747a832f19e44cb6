/**
 * One expression of an author's function, by its kind of syntax. Kinds with a handler are accepted; kinds
 * with a code are refused for a reason of their own; all others are refused.
 */

import { Node, SyntaxKind } from "ts-morph";
import { lowerElement, lowerField, lowerIdentifier } from "./access.ts";
import { lowerCall } from "./call.ts";
import type { Code } from "./codes/mod.ts";
import { lowerConditional } from "./condition.ts";
import { type Lowering, refuse } from "./lowering.ts";
import { lowerBinary, lowerUnary } from "./operators.ts";
import { unwrap } from "./resolve.ts";
import { type Hint, literal, type Lowered, type Scope } from "./value.ts";

const REFUSED: Readonly<Partial<Record<SyntaxKind, Code>>> = {
  [SyntaxKind.PostfixUnaryExpression]: "KERF0107",
  [SyntaxKind.AwaitExpression]: "KERF0102",
  [SyntaxKind.YieldExpression]: "KERF0102",
  [SyntaxKind.StringLiteral]: "KERF0207",
  [SyntaxKind.NoSubstitutionTemplateLiteral]: "KERF0207",
  [SyntaxKind.TemplateExpression]: "KERF0207",
  [SyntaxKind.TaggedTemplateExpression]: "KERF0207",
  [SyntaxKind.RegularExpressionLiteral]: "KERF0207",
  [SyntaxKind.BigIntLiteral]: "KERF0207",
  [SyntaxKind.SpreadElement]: "KERF0208",
  [SyntaxKind.ThisKeyword]: "KERF0210",
  [SyntaxKind.NewExpression]: "KERF0210",
  [SyntaxKind.ClassExpression]: "KERF0210",
  [SyntaxKind.ArrowFunction]: "KERF0112",
  [SyntaxKind.FunctionExpression]: "KERF0112",
  [SyntaxKind.ObjectLiteralExpression]: "KERF0215",
};

/** Lowers one expression; a refused one is reported and gives nothing. */
export function lowerExpression(
  l: Lowering,
  scope: Scope,
  expression: Node,
  hint: Hint = {},
): Lowered {
  const node = unwrap(expression);
  if (Node.isNumericLiteral(node)) {
    const text = node.getText();
    const real = /[.e]/i.test(text) && !/^0[xbo]/i.test(text);
    // The compiler's text is decimal and without separators. (ts-morph's own value reads 1e-7 as 1.)
    return literal(Number(node.compilerNode.text), real);
  }
  if (Node.isTrueLiteral(node) || Node.isFalseLiteral(node)) {
    const value = Node.isTrueLiteral(node);
    return { kind: "bool", id: l.builder.constant(value, "bool", l.spanAt(node)) };
  }
  if (Node.isIdentifier(node)) return lowerIdentifier(l, scope, node);
  if (Node.isBinaryExpression(node)) return lowerBinary(l, scope, node, hint);
  if (Node.isPrefixUnaryExpression(node)) return lowerUnary(l, scope, node, hint);
  if (Node.isConditionalExpression(node)) return lowerConditional(l, scope, node, hint);
  if (Node.isCallExpression(node)) return lowerCall(l, scope, node, hint);
  if (Node.isPropertyAccessExpression(node)) return lowerField(l, scope, node);
  if (Node.isElementAccessExpression(node)) return lowerElement(l, scope, node, hint);
  if (Node.isArrayLiteralExpression(node)) {
    const elements = node.getElements();
    const spread = elements.find(Node.isSpreadElement);
    if (spread !== undefined) return refuse(l, "KERF0208", spread);
    return { kind: "tuple", items: elements.map((e) => l.expression(l, scope, e)) };
  }
  const code = REFUSED[node.getKind()];
  return refuse(l, code ?? "KERF0214", node);
}
