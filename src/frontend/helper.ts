/**
 * Helper functions: written in where they are called, with the arguments for the parameters. Annotations
 * f32 and i32 convert; `number` takes what comes.
 */

import type { CallExpression, Node } from "ts-morph";
import { bind } from "./bind.ts";
import { lowerBody } from "./body.ts";
import { idAs, type Lowering, type Operand, refuse } from "./lowering.ts";
import type { FunctionNode } from "./resolve.ts";
import { type Hint, isI32, type Lowered, NOTHING, numberValue, type Scope } from "./value.ts";

/** The value of a call of `fn` with lowered arguments. */
export function inlineHelper(
  l: Lowering,
  fn: FunctionNode,
  name: string,
  args: readonly Operand[],
  node: CallExpression,
  hint: Hint,
): Lowered {
  if (l.active.includes(fn)) {
    return refuse(l, "KERF0111", node, { message: `Cannot call "${name}" from within itself` });
  }
  const parameters = fn.getParameters();
  const odd = parameters.find((p) => p.isOptional() || p.isRestParameter() || p.hasInitializer());
  if (odd !== undefined) return refuse(l, "KERF0103", odd);
  if (parameters.length !== args.length) {
    const message = `${name} takes ${parameters.length} arguments, not ${args.length}`;
    return refuse(l, "KERF0205", node, { message });
  }
  const typed = args.map(({ value, at }, i) =>
    convert(l, value, parameters[i]!.getTypeNode()?.getText(), at)
  );
  const scope = new Map<string, Lowered>();
  typed.forEach((value, i) => bind(l, scope, parameters[i]!.getNameNode(), value));
  const result = lowerBody({ ...l, active: [...l.active, fn] }, scope as Scope, fn, hint);
  return convert(l, result, fn.getReturnTypeNode()?.getText(), node);
}

function convert(l: Lowering, value: Lowered, type: string | undefined, at: Node): Lowered {
  if (type !== "f32" && type !== "i32") return value;
  if (value.kind === "literal" && type === "i32" && isI32(value)) return value;
  if (value.kind === "number" && value.type === type) return value;
  const id = idAs(l, value, type, at);
  return id === undefined ? NOTHING : numberValue(id, type);
}
