/**
 * Calls: by what is called, one of Math, a reduction on a column, the bit helper of kerf/dsl, or a helper
 * function. Anything else has no source that could become a kernel.
 */

import { type CallExpression, type Identifier, Node } from "ts-morph";
import { inlineHelper } from "./helper.ts";
import { idAs, type Lowering, type Operand, operate, refuse } from "./lowering.ts";
import { lowerMathCall } from "./math.ts";
import { lowerQuotient } from "./quotient.ts";
import {
  asFunction,
  declarationOfName,
  type FunctionNode,
  resolveExpression,
  unwrap,
} from "./resolve.ts";
import { describe, type Hint, type Lowered, NOTHING, numberValue, type Scope } from "./value.ts";

/** `f(…)`. */
export function lowerCall(l: Lowering, scope: Scope, node: CallExpression, hint: Hint): Lowered {
  if (node.hasQuestionDotToken()) return refuse(l, "KERF0209", node);
  const spread = node.getArguments().find(Node.isSpreadElement);
  if (spread !== undefined) return refuse(l, "KERF0208", spread);
  const callee = unwrap(node.getExpression());
  const object = Node.isPropertyAccessExpression(callee) ? callee.getExpression() : undefined;
  if (Node.isIdentifier(object) && object.getText() === "Math" && !scope.has("Math")) {
    const name = Node.isPropertyAccessExpression(callee) ? callee.getName() : "";
    return lowerQuotient(l, scope, name, node, hint) ??
      lowerMathCall(l, name, operands(l, scope, node), node, hint);
  }
  // What the name stands for was refused where it was bound.
  if (Node.isIdentifier(callee) && scope.get(callee.getText())?.kind === "nothing") return NOTHING;
  if (Node.isIdentifier(object)) return refuseMethod(l, scope, object, callee, node);
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

/** `object.method(…)`, said by what the object is. */
function refuseMethod(
  l: Lowering,
  scope: Scope,
  object: Identifier,
  callee: Node,
  node: CallExpression,
): Lowered {
  const value = scope.get(object.getText());
  const message = `Cannot call \`${short(callee)}\``;
  if (value?.kind === "column") {
    return refuse(l, "KERF0402", node, { message: `${message}: it is ${describe(value)}` });
  }
  const isUnknown = value === undefined && declarationOfName(object) === undefined;
  return isUnknown ? l.expression(l, scope, object) : refuse(l, "KERF0202", node, { message });
}

function lowerNamedCall(
  l: Lowering,
  scope: Scope,
  callee: Identifier,
  node: CallExpression,
  hint: Hint,
): Lowered {
  const name = callee.getText();
  // An unknown or impure name is reported as the name it is.
  if (declarationOfName(callee) === undefined) return l.expression(l, scope, callee);
  const target = resolveExpression(callee);
  if (Node.isCallExpression(target) && isReductionCall(l, target)) {
    return lowerReduction(l, scope, target, name, node, hint);
  }
  const fn = asFunction(target);
  if (fn === undefined || (l.isDsl(fn) && !isBitHelper(fn))) {
    return refuse(l, "KERF0202", node, { message: `Cannot call "${name}" in a kernel` });
  }
  const args = operands(l, scope, node);
  return l.isDsl(fn) && Node.isFunctionDeclaration(fn) && fn.getName() === "f16ToF32"
    ? lowerF16ToF32(l, args, node, hint)
    : inlineHelper(l, fn, name, args, node, hint);
}

/** The functions of src/dsl/bits.ts are written for kernels; all others of kerf/dsl declare things. */
const isBitHelper = (fn: FunctionNode): boolean => fn.getSourceFile().getBaseName() === "bits.ts";

/** Whether a call is `reduction({ … })` of kerf/dsl. */
function isReductionCall(l: Lowering, call: CallExpression): boolean {
  const callee = unwrap(call.getExpression());
  const declared = Node.isIdentifier(callee) ? declarationOfName(callee) : undefined;
  return Node.isFunctionDeclaration(declared) && declared.getName() === "reduction" &&
    l.isDsl(declared);
}

function lowerReduction(
  l: Lowering,
  scope: Scope,
  declaration: CallExpression,
  name: string,
  node: CallExpression,
  hint: Hint,
): Lowered {
  const args = operands(l, scope, node);
  if (args.length !== 1) {
    return refuse(l, "KERF0205", node, { message: `${name} takes 1 argument, not ${args.length}` });
  }
  const { value, at } = args[0]!;
  if (value.kind !== "nothing" && value.kind !== "column") {
    return refuse(l, "KERF0403", at, { message: `Cannot reduce ${describe(value)} with ${name}` });
  }
  const reduction = l.reductionOf(declaration);
  if (value.kind === "nothing" || reduction === undefined) return NOTHING;
  return numberValue(l.builder.reduce(reduction, value.param, l.spanAt(node), hint.name), "f32");
}

function lowerF16ToF32(
  l: Lowering,
  args: readonly Operand[],
  node: CallExpression,
  hint: Hint,
): Lowered {
  const [bits, ...others] = args;
  if (bits === undefined || others.length > 0) {
    return refuse(l, "KERF0205", node, {
      message: `f16ToF32 takes 1 argument, not ${args.length}`,
    });
  }
  const id = idAs(l, bits.value, "i32", bits.at);
  return id === undefined
    ? NOTHING
    : numberValue(operate(l, "f16ToF32", [id], node, hint.name), "f32");
}
