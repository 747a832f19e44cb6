/**
 * What is known of a whole number's size without running anything: enough to leave out the `& 31` of a
 * shift whose count cannot exceed 31, and to print plain operators where nothing can overflow.
 */

import type { Node } from "../ir/types.ts";
import type { Operand } from "./code.ts";

/** The bound of a node from those of its operands, as a part of an {@linkcode Operand}. */
export function bounded(node: Node, printed: readonly Operand[]): { readonly bound?: number } {
  if (node.type !== "i32") return {};
  if (node.kind === "const") return known(Number(node.value));
  if (node.kind !== "op") return {};
  const [a, b] = node.args.map((id) => printed[id]!.bound);
  switch (node.op) {
    case "and":
      // One operand without a sign bit is enough.
      return known(Math.min(a ?? Infinity, b ?? Infinity));
    case "or":
    case "add":
      return known((a ?? Infinity) + (b ?? Infinity));
    case "mul":
    case "imul":
      return known((a ?? Infinity) * (b ?? Infinity));
    case "shl":
      return known((a ?? Infinity) * 2 ** (b ?? Infinity));
    case "shr":
    case "ushr":
      return known(a ?? Infinity);
    default:
      return {};
  }
}

const known = (bound: number) => bound >= 0 && bound < 2 ** 31 ? { bound } : {};
