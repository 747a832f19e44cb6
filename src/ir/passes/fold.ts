/**
 * Constant folding. Works in f32: a folded constant is the very f32 that the target would have computed, so
 * values in mode "f32" keep their bits; in mode "f64" they may move by f32 rounding, which is why the
 * reference runs the function as authored. Results that no constant can hold (NaN, ±∞) stay operations.
 *
 * Identities are used only where they keep every bit (x · 1, but not x + 0, which turns −0 into 0), and
 * nothing is reassociated.
 */

import type { FuncBuilder } from "../builder.ts";
import { evaluate } from "../ops.ts";
import type { Func, Node, OpName, Scalar } from "../types.ts";
import { isConstant, roundTo, type Value } from "../value.ts";
import { rewrite } from "./_rewrite.ts";

type OpNode = Extract<Node, { kind: "op" }>;

/** Constants that leave the other operand as it is, by the side they stand on. */
interface Identity {
  readonly left?: Value;
  readonly right?: Value;
}

const both = (value: Value): Identity => ({ left: value, right: value });

const IDENTITIES: Partial<Record<OpName, Partial<Record<Scalar, Identity>>>> = {
  add: { f32: both(-0), i32: both(0) },
  sub: { f32: { right: 0 }, i32: { right: 0 } },
  mul: { f32: both(1), i32: both(1) },
  div: { f32: { right: 1 } },
  imul: { i32: both(1) },
  idiv: { i32: { right: 1 } },
  and: { i32: both(-1) },
  or: { i32: both(0) },
  xor: { i32: both(0) },
  shl: { i32: { right: 0 } },
  shr: { i32: { right: 0 } },
  ushr: { i32: { right: 0 } },
  land: { bool: both(true) },
  lor: { bool: both(false) },
};

/** Constants that are the result whatever the other operand is. */
const ABSORBING: Partial<Record<OpName, Partial<Record<Scalar, Value>>>> = {
  mul: { i32: 0 },
  imul: { i32: 0 },
  and: { i32: 0 },
  or: { i32: -1 },
  land: { bool: false },
  lor: { bool: true },
};

/** Operations that undo themselves. */
const INVOLUTIONS: ReadonlySet<OpName> = new Set(["neg", "not", "lnot"]);

/** Evaluates what is constant and drops operations that change no bit. */
export function fold(func: Func): Func {
  return rewrite(
    func,
    (node, ids, builder) =>
      node.kind === "op" ? foldOp(node, node.args.map((id) => ids[id]!), builder) : undefined,
  );
}

function foldOp(node: OpNode, args: readonly number[], builder: FuncBuilder): number | undefined {
  const constants = args.map((id) => constantOf(builder.node(id)));
  const types = args.map((id) => builder.typeOf(id));
  if (constants.every((value) => value !== undefined)) {
    const value = evaluate(node.op, types, constants, "f32");
    if (!isConstant(value, node.type)) return undefined;
    return builder.constant(value, node.type, node.span, node.name);
  }
  if (node.op === "select") return foldSelect(args, constants);
  if (args.length === 2) return foldBinary(node, args, constants, types[0]!);
  const operand = builder.node(args[0]!);
  if (INVOLUTIONS.has(node.op) && operand.kind === "op" && operand.op === node.op) {
    return operand.args[0];
  }
  return undefined;
}

function foldSelect(
  args: readonly number[],
  [condition, a, b]: readonly (Value | undefined)[],
): number | undefined {
  if (condition !== undefined) return args[condition ? 1 : 2];
  if (args[1] === args[2]) return args[1];
  return a === true && b === false ? args[0] : undefined;
}

function foldBinary(
  { op }: OpNode,
  args: readonly number[],
  constants: readonly (Value | undefined)[],
  type: Scalar,
): number | undefined {
  const identity = IDENTITIES[op]?.[type];
  const [left, right] = constants;
  if (left !== undefined && Object.is(left, identity?.left)) return args[1];
  if (right !== undefined && Object.is(right, identity?.right)) return args[0];
  const absorbing = ABSORBING[op]?.[type];
  if (absorbing === undefined) return undefined;
  if (Object.is(left, absorbing)) return args[0];
  return Object.is(right, absorbing) ? args[1] : undefined;
}

const constantOf = (node: Node): Value | undefined =>
  node.kind === "const" ? roundTo(node.value, node.type, "f32") : undefined;
