/**
 * Calls: Math, reductions on columns, the bit helpers of kerf/dsl, and helper functions, which are
 * written in where they are called.
 */

import { type CallExpression, type Identifier, Node, type ParameterDeclaration } from "ts-morph";
import { lowerBody } from "./body.ts";
import { bind } from "./bind.ts";
import { idAs, type Lowering, operate, refuse } from "./lowering.ts";
import { lowerMathCall } from "./math.ts";
import type { Operand } from "./operators.ts";
import { lowerQuotient } from "./quotient.ts";
import {
  asFunction,
  declarationOfName,
  type FunctionNode,
  isTopLevelConst,
  unwrap,
} from "./resolve.ts";
import {
  describe,
  type Hint,
  isI32,
  type Lowered,
  NOTHING,
  numberValue,
  type Scope,
} from "./value.ts";

/** `f(…)`. */
export function lowerCall(l: Lowering, scope: Scope, node: CallExpression, hint: Hint): Lowered {
  if (node.hasQuestionDotToken()) return refuse(l, "KERF0209", node);
  const spread = node.getArguments().find(Node.isSpreadElement);
  if (spread !== undefined) return refuse(l, "KERF0208", spread);
  const callee = unwrap(node.getExpression());
  if (Node.isPropertyAccessExpression(callee)) return lowerMethodCall(l, scope, node, hint);
  if (!Node.isIdentifier(callee) || scope.has(callee.getText())) {
    return refuse(l, "KERF0202", node, { message: `Cannot call \`${short(callee)}\`` });
  }
  return lowerNamedCall(l, scope, callee, node, hint);
}

const short = (node: Node): string => {
  const text = node.getText().replace(/\s+/g, " ");
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
};

const operands = (l: Lowering, scope: Scope, node: CallExpression): Operand[] =>
  node.getArguments().map((at) => ({ value: l.expression(l, scope, at), at }));

function lowerMethodCall(l: Lowering, scope: Scope, node: CallExpression, hint: Hint): Lowered {
  const callee = unwrap(node.getExpression());
  if (!Node.isPropertyAccessExpression(callee)) return NOTHING;
  const of = callee.getExpression();
  if (!Node.isIdentifier(of) || of.getText() !== "Math" || scope.has("Math")) {
    const value = Node.isIdentifier(of) ? scope.get(of.getText()) : undefined;
    if (value?.kind === "column") {
      const message = `Cannot call .${callee.getName()} of ${describe(value)}`;
      return refuse(l, "KERF0402", node, { message });
    }
    if (value === undefined && Node.isIdentifier(of) && declarationOfName(of) === undefined) {
      return l.expression(l, scope, of);
    }
    return refuse(l, "KERF0202", node, { message: `Cannot call \`${short(callee)}\`` });
  }
  const name = callee.getName();
  return lowerQuotient(l, scope, name, node, hint) ??
    lowerMathCall(l, name, operands(l, scope, node), node, hint);
}

function lowerNamedCall(
  l: Lowering,
  scope: Scope,
  callee: Identifier,
  node: CallExpression,
  hint: Hint,
): Lowered {
  const name = callee.getText();
  const declaration = declarationOfName(callee);
  // An unknown or impure name is reported as the name it is.
  if (declaration === undefined) return l.expression(l, scope, callee);
  const initializer = Node.isVariableDeclaration(declaration)
    ? declaration.getInitializer()
    : declaration;
  const target = initializer && unwrap(initializer);
  if (Node.isVariableDeclaration(declaration) && isReductionCall(l, target)) {
    return lowerReduction(l, scope, declaration, name, node, hint);
  }
  const fn = asFunction(target);
  const isConst = !Node.isVariableDeclaration(declaration) || isTopLevelConst(declaration);
  const isHelper = fn !== undefined && isConst && (!l.isDsl(fn) || inBits(fn));
  if (!isHelper) {
    return refuse(l, "KERF0202", node, { message: `Cannot call "${name}" in a kernel` });
  }
  if (inBits(fn) && l.isDsl(fn) && name === "f16ToF32") return lowerF16ToF32(l, scope, node, hint);
  return inlineHelper(l, scope, fn, name, node, hint);
}

const inBits = (node: Node): boolean => node.getSourceFile().getBaseName() === "bits.ts";

/** Whether an initialiser is `reduction({ … })` of kerf/dsl. */
function isReductionCall(l: Lowering, node: Node | undefined): boolean {
  if (!Node.isCallExpression(node)) return false;
  const callee = unwrap(node.getExpression());
  const declared = Node.isIdentifier(callee) ? declarationOfName(callee) : undefined;
  return Node.isFunctionDeclaration(declared) && declared.getName() === "reduction" &&
    l.isDsl(declared);
}

function lowerReduction(
  l: Lowering,
  scope: Scope,
  declaration: Node,
  name: string,
  node: CallExpression,
  hint: Hint,
): Lowered {
  const args = operands(l, scope, node);
  if (args.length !== 1) {
    return refuse(l, "KERF0205", node, { message: `${name} takes 1 argument, not ${args.length}` });
  }
  const { value, at } = args[0]!;
  if (value.kind === "nothing") return NOTHING;
  if (value.kind !== "column") {
    return refuse(l, "KERF0403", at, { message: `Cannot reduce ${describe(value)} with ${name}` });
  }
  const reduction = l.reductionOf(declaration, name);
  if (reduction === undefined) return NOTHING;
  return numberValue(l.builder.reduce(reduction, value.param, l.spanAt(node), hint.name), "f32");
}

function lowerF16ToF32(l: Lowering, scope: Scope, node: CallExpression, hint: Hint): Lowered {
  const args = operands(l, scope, node);
  if (args.length !== 1) {
    return refuse(l, "KERF0205", node, {
      message: `f16ToF32 takes 1 argument, not ${args.length}`,
    });
  }
  const id = idAs(l, args[0]!.value, "i32", args[0]!.at);
  return id === undefined
    ? NOTHING
    : numberValue(operate(l, "f16ToF32", [id], node, hint.name), "f32");
}

function inlineHelper(
  l: Lowering,
  scope: Scope,
  fn: FunctionNode,
  name: string,
  node: CallExpression,
  hint: Hint,
): Lowered {
  if (l.active.includes(fn)) {
    return refuse(l, "KERF0111", node, { message: `Cannot call "${name}" from within itself` });
  }
  const args = operands(l, scope, node);
  const parameters = fn.getParameters();
  if (parameters.length !== args.length) {
    const message = `${name} takes ${parameters.length} arguments, not ${args.length}`;
    return refuse(l, "KERF0205", node, { message });
  }
  const inner = new Map<string, Lowered>();
  const typed = args.map((arg, i) => annotated(l, arg, parameters[i]!));
  typed.forEach((value, i) => bind(l, inner, parameters[i]!.getNameNode(), value));
  if (typed.some((value) => value.kind === "nothing")) return NOTHING;
  const result = lowerBody({ ...l, active: [...l.active, fn] }, inner, fn, hint);
  return convert(l, result, fn.getReturnTypeNode()?.getText(), node);
}

/** An argument as the parameter's annotation says: f32 and i32 convert, number takes what comes. */
const annotated = (l: Lowering, { value, at }: Operand, parameter: ParameterDeclaration): Lowered =>
  convert(l, value, parameter.getTypeNode()?.getText(), at);

function convert(l: Lowering, value: Lowered, type: string | undefined, at: Node): Lowered {
  if (type !== "f32" && type !== "i32") return value;
  if (value.kind === "literal" && type === "i32" && isI32(value)) return value;
  if (value.kind === "number" && value.type === type) return value;
  const id = idAs(l, value, type, at);
  return id === undefined ? NOTHING : numberValue(id, type);
}
