/**
 * From a name or an expression to the declaration that a reader of the source would find: through
 * parentheses, type assertions, imports and consts.
 */

import {
  type ArrowFunction,
  type FunctionDeclaration,
  type FunctionExpression,
  type Identifier,
  type MethodDeclaration,
  Node,
  type Symbol as TsSymbol,
  type VariableDeclaration,
} from "ts-morph";

/** A function whose body the front end can read. */
export type FunctionNode =
  | ArrowFunction
  | FunctionDeclaration
  | FunctionExpression
  | MethodDeclaration;

/** Without parentheses, `!`, `as` and `satisfies`, which mean nothing at run time. */
export function unwrap(node: Node): Node {
  while (
    Node.isParenthesizedExpression(node) || Node.isNonNullExpression(node) ||
    Node.isAsExpression(node) || Node.isSatisfiesExpression(node)
  ) node = node.getExpression();
  return node;
}

/** The declaration a symbol stands for, through imports. */
export function declarationOf(symbol: TsSymbol | undefined): Node | undefined {
  if (symbol === undefined) return undefined;
  const target = symbol.isAlias() ? symbol.getAliasedSymbol() ?? symbol : symbol;
  return target.getValueDeclaration() ?? target.getDeclarations()[0];
}

/** The declaration an identifier refers to, through imports. */
export function declarationOfName(name: Identifier): Node | undefined {
  return declarationOf(name.getSymbol());
}

const isConst = (node: VariableDeclaration): boolean =>
  node.getVariableStatement()?.getDeclarationKind() === "const";

/** Whether a variable is declared const at the top of its file. */
export function isTopLevelConst(node: VariableDeclaration): boolean {
  const statement = node.getVariableStatement();
  return isConst(node) && Node.isSourceFile(statement?.getParent());
}

/** The expression or function behind names: follows const initialisers and imports. */
export function resolveExpression(start: Node): Node {
  const seen = new Set<Node>();
  let node = unwrap(start);
  while (!seen.has(node)) {
    seen.add(node);
    if (Node.isIdentifier(node)) node = declarationOfName(node) ?? node;
    else if (Node.isVariableDeclaration(node) && isConst(node)) {
      node = unwrap(node.getInitializer() ?? node);
    }
  }
  return node;
}

/** The node as a function whose body can be read, or undefined. */
export function asFunction(node: Node | undefined): FunctionNode | undefined {
  if (node === undefined) return undefined;
  return Node.isArrowFunction(node) || Node.isFunctionDeclaration(node) ||
      Node.isFunctionExpression(node) || Node.isMethodDeclaration(node)
    ? node
    : undefined;
}
