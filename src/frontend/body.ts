/**
 * Function bodies: an expression, or const declarations, `if … return` and a final return. Early returns
 * become selects; every path must return.
 */

import { Node, type Statement, SyntaxKind, type VariableStatement } from "ts-morph";
import { bind } from "./bind.ts";
import type { Code } from "./codes/mod.ts";
import { lowerCondition } from "./condition.ts";
import { type Lowering, refuse } from "./lowering.ts";
import type { FunctionNode } from "./resolve.ts";
import { type Hint, type Lowered, NOTHING, type Scope } from "./value.ts";

const REFUSED: Readonly<Partial<Record<SyntaxKind, Code>>> = {
  [SyntaxKind.ForStatement]: "KERF0105",
  [SyntaxKind.ForOfStatement]: "KERF0105",
  [SyntaxKind.ForInStatement]: "KERF0105",
  [SyntaxKind.WhileStatement]: "KERF0105",
  [SyntaxKind.DoStatement]: "KERF0105",
  [SyntaxKind.ClassDeclaration]: "KERF0210",
  [SyntaxKind.FunctionDeclaration]: "KERF0112",
};

/** The value a function returns for the names in scope. */
export function lowerBody(l: Lowering, scope: Scope, fn: FunctionNode, hint: Hint): Lowered {
  const generator = !Node.isArrowFunction(fn) && fn.isGenerator();
  if (fn.isAsync() || generator) return refuse(l, "KERF0102", fn);
  const body = fn.getBody();
  if (body === undefined) return refuse(l, "KERF0101", fn);
  if (!Node.isBlock(body)) return l.expression(l, scope, body, hint);
  const end = (side: Lowering) => refuse(side, "KERF0104", body);
  return lowerStatements(l, scope, body.getStatements(), hint, end);
}

/** @param next what follows when no statement has returned */
function lowerStatements(
  l: Lowering,
  outer: Scope,
  statements: readonly Statement[],
  hint: Hint,
  next: (l: Lowering) => Lowered,
): Lowered {
  const scope = new Map(outer);
  for (const [i, statement] of statements.entries()) {
    const rest = statements.slice(i + 1);
    if (rest[0] !== undefined && alwaysReturns(statement)) l.report("KERF0110", rest[0]);
    if (Node.isVariableStatement(statement)) {
      declare(l, scope, statement);
    } else if (Node.isReturnStatement(statement)) {
      const value = statement.getExpression();
      return value === undefined
        ? refuse(l, "KERF0104", statement, { message: "Cannot return nothing" })
        : l.expression(l, scope, value, hint);
    } else if (Node.isIfStatement(statement)) {
      if (!mayReturn(statement)) l.report("KERF0109", statement);
      const after = (side: Lowering) => lowerStatements(side, scope, rest, hint, next);
      const otherwise = statement.getElseStatement();
      const branch = (side: Lowering, node: Statement | undefined) =>
        node === undefined
          ? after(side)
          : lowerStatements(side, scope, statementsOf(node), hint, after);
      return lowerCondition(l, scope, statement.getExpression(), statement, hint, {
        then: (side) => branch(side, statement.getThenStatement()),
        otherwise: (side) => branch(side, otherwise),
      });
    } else {
      refuseStatement(l, scope, statement);
    }
  }
  return next(l);
}

const statementsOf = (node: Statement): readonly Statement[] =>
  Node.isBlock(node) ? node.getStatements() : [node];

/** Whether every path through a statement returns. */
function alwaysReturns(node: Statement): boolean {
  if (Node.isReturnStatement(node)) return true;
  if (Node.isBlock(node)) return node.getStatements().some(alwaysReturns);
  if (!Node.isIfStatement(node)) return false;
  const otherwise = node.getElseStatement();
  return otherwise !== undefined && alwaysReturns(node.getThenStatement()) &&
    alwaysReturns(otherwise);
}

/** Whether some path through a statement returns. */
function mayReturn(node: Statement): boolean {
  if (Node.isReturnStatement(node)) return true;
  if (Node.isBlock(node)) return node.getStatements().some(mayReturn);
  if (!Node.isIfStatement(node)) return false;
  const otherwise = node.getElseStatement();
  return mayReturn(node.getThenStatement()) || (otherwise !== undefined && mayReturn(otherwise));
}

function declare(l: Lowering, scope: Map<string, Lowered>, statement: VariableStatement): void {
  const isConst = statement.getDeclarationKind() === "const";
  if (!isConst) l.report("KERF0106", statement);
  for (const declaration of statement.getDeclarations()) {
    const name = declaration.getNameNode();
    const initializer = declaration.getInitializer();
    const hint = Node.isIdentifier(name) ? { name: name.getText() } : {};
    const value = initializer === undefined ? NOTHING : l.expression(l, scope, initializer, hint);
    // After `let` the name may change: its uses are not judged.
    bind(l, scope, name, isConst ? value : NOTHING);
  }
}

function refuseStatement(l: Lowering, scope: Scope, statement: Statement): void {
  if (Node.isExpressionStatement(statement)) {
    const expression = statement.getExpression();
    const value = l.expression(l, scope, expression);
    // What the expression itself was refused for says more than that it stands alone.
    if (value.kind !== "nothing") {
      l.report("KERF0108", statement, { message: "Cannot use an expression as a statement" });
    }
    return;
  }
  l.report(REFUSED[statement.getKind()] ?? "KERF0108", statement);
}
