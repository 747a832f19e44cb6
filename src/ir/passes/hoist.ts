/**
 * Hoisting: splits a function's nodes by whether they change inside a loop, so that a template can print
 * the uniform ones before it. Order within each list is evaluation order; nothing is rewritten.
 */

import { operandsOf, paramOf } from "../operands.ts";
import type { Func, Node } from "../types.ts";

/** A function's nodes in two lists; together they are all of them. */
export interface Hoisted {
  /** Nodes that depend on no varying parameter. */
  readonly uniform: readonly Node[];
  /** The rest. */
  readonly varying: readonly Node[];
}

/**
 * Splits the nodes of `func` by the parameters that change inside the loop, columns, tables and bytes
 * included.
 *
 * @param varying names of parameters
 * @throws {TypeError} when `func` has no parameter of such a name
 */
export function hoist(func: Func, varying: ReadonlySet<string>): Hoisted {
  for (const name of varying) {
    if (!func.params.some((p) => p.name === name)) {
      throw new TypeError(`Cannot hoist in "${func.name}": it has no parameter "${name}"`);
    }
  }
  const changing = new Set<number>();
  for (const node of func.nodes) {
    const param = paramOf(node);
    const reads = param !== undefined && varying.has(func.params[param]!.name);
    if (reads || operandsOf(node).some((id) => changing.has(id))) changing.add(node.id);
  }
  return {
    uniform: func.nodes.filter((node) => !changing.has(node.id)),
    varying: func.nodes.filter((node) => changing.has(node.id)),
  };
}
