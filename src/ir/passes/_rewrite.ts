/**
 * Rebuilds a function node by node, so that every pass goes through the builder's type checks. Parameters
 * stay as they are, used or not: they are the function's signature.
 */

import { FuncBuilder } from "../builder.ts";
import type { Func, Node } from "../types.ts";

/**
 * What becomes of a node: the new id that stands for it, or undefined to copy it. `ids` maps the old ids
 * before it to new ones.
 */
export type Replace = (
  node: Node,
  ids: readonly number[],
  builder: FuncBuilder,
) => number | undefined;

/** The function with each node replaced; nodes that `keep` rejects are dropped. */
export function rewrite(
  func: Func,
  replace: Replace,
  keep: (node: Node) => boolean = () => true,
): Func {
  const builder = new FuncBuilder(func.name, func.span);
  for (const param of func.params) builder.param(param);
  const ids: number[] = [];
  for (const node of func.nodes) {
    if (!keep(node)) continue;
    const paramOf = (param: number) =>
      func.params[param]!.kind === "scalar" ? builder.arg(param, node.span) : param;
    ids[node.id] = replace(node, ids, builder) ?? builder.copy(node, ids, paramOf);
  }
  return builder.finish(func.results.map((id) => ids[id]!));
}
