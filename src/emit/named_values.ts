/**
 * Which values of a function get a statement of their own, and what such a value is called that the author did
 * not name.
 */

import { operandsOf } from "../ir/operands.ts";
import { hoist } from "../ir/passes/hoist.ts";
import type { Func, Node, OpName } from "../ir/types.ts";
import type { Argument } from "./arguments.ts";

/** How often each value is read on the way to the results; a needless select reads nothing itself. */
export function countUses(func: Func, open: ReadonlyMap<number, number>): number[] {
  const uses = func.nodes.map(() => 0);
  for (const id of func.results) uses[id]!++;
  for (const node of func.nodes.toReversed()) {
    const same = open.get(node.id);
    if (same !== undefined) uses[same]! += uses[node.id]!;
    else if (uses[node.id]! > 0) { for (const id of operandsOf(node)) uses[id]!++; }
  }
  return uses;
}

/** Whether a value gets a statement of its own. */
export function needsName(
  node: Node,
  func: Func,
  plan: { readonly hoisted: ReadonlySet<number>; readonly uses: readonly number[] },
): boolean {
  if (node.kind !== "op" && node.kind !== "load") return false;
  const uses = plan.uses[node.id]!;
  if (uses === 0) return false;
  const named = node.name !== undefined && !func.results.includes(node.id);
  return named || plan.hoisted.has(node.id) || (uses > 1 && !isShort(node, func));
}

/** One cheap operator on names and literals reads better repeated than named. */
function isShort(node: Node & { readonly kind: "op" | "load" }, func: Func): boolean {
  const leaves = node.args.every((id) => ["const", "param"].includes(func.nodes[id]!.kind));
  return node.kind === "op" && SHORT.has(node.op) && leaves;
}

const SHORT: ReadonlySet<OpName> = new Set<OpName>([
  ...["neg", "add", "sub", "and", "or", "shl", "shr"] as const,
  ...["lt", "le", "gt", "ge", "eq", "ne", "toF32"] as const,
]);

/** The uniform values that varying ones read: they stand before the inner loop. */
export function hoistedValues(func: Func, args: readonly Argument[]): Set<number> {
  const names = func.params.filter((_, i) => args[i]!.varying).map((param) => param.name);
  const { uniform: before, varying: inside } = hoist(func, new Set(names));
  const read = new Set(inside.flatMap((node) => operandsOf(node)));
  return new Set(before.map((node) => node.id).filter((id) => read.has(id)));
}

/** A name for a value that the author did not name. */
export function defaultName(node: Node): string {
  if (node.type === "bool") return "condition";
  if (node.type === "i32") return node.kind === "load" ? "loaded" : "index";
  return node.kind === "op" ? `${node.op}_value` : "loaded";
}
