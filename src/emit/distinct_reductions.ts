/**
 * The reductions of columns that a hook uses, whatever its template makes of them. One that is used twice is
 * there once.
 */

import type { Func, Node, Reduction } from "../ir/types.ts";

type Reduce = Extract<Node, { readonly kind: "reduce" }>;

/** What a hook reduces. */
export interface DistinctReductions<C> {
  /** Those of a column, by its parameter, in the order in which the hook uses them. */
  readonly of: (param: number) => readonly C[];
  /** What the hook reads as a finished reduction. */
  readonly nameOf: (node: Reduce) => string;
}

/** Each distinct reduction of each column of `func`, made once. */
export function distinctReductions<C extends { readonly result: string }>(
  func: Func,
  make: (reduction: Reduction, param: number) => C,
): DistinctReductions<C> {
  const keyOf = ({ reduction, param }: Reduce) => `${reduction.name} of ${param}`;
  const found = new Map<string, { readonly param: number; readonly context: C }>();
  for (const node of func.nodes) {
    if (node.kind !== "reduce" || found.has(keyOf(node))) continue;
    const { reduction, param } = node;
    found.set(keyOf(node), { param, context: make(reduction, param) });
  }
  return {
    of: (param) => [...found.values()].filter((c) => c.param === param).map((c) => c.context),
    nameOf: (node) => found.get(keyOf(node))!.context.result,
  };
}
