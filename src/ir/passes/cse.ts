/**
 * Common subexpressions: nodes that compute the same become the first of them, which takes the first name
 * any of them had. Operands of operations whose order changes no bit are compared in either order.
 */

import { printReduction } from "../print.ts";
import type { Func, Node, OpName } from "../types.ts";
import { rewrite } from "./_rewrite.ts";

const COMMUTATIVE: ReadonlySet<OpName> = new Set<OpName>([
  "add",
  "mul",
  "min",
  "max",
  "imul",
  "and",
  "or",
  "xor",
  "eq",
  "ne",
  "land",
  "lor",
]);

/** Merges equal nodes. */
export function cse(func: Func): Func {
  const first = new Map<string, number>();
  const names = new Map<number, string>();
  const representative: number[] = [];
  for (const node of func.nodes) {
    const key = keyOf(node, representative);
    const id = first.get(key) ?? node.id;
    first.set(key, id);
    representative.push(id);
    if (node.name !== undefined && !names.has(id)) names.set(id, node.name);
  }
  return rewrite(func, (node, ids, builder) => {
    const id = representative[node.id]!;
    if (id !== node.id) return ids[id];
    const name = names.get(id);
    if (node.kind === "param" || name === node.name || name === undefined) return undefined;
    return builder.copy({ ...node, name }, ids, (param) => param);
  });
}

/** Text that is equal for nodes that compute the same. */
function keyOf(node: Node, representative: readonly number[]): string {
  const of = (args: readonly number[]) => args.map((id) => representative[id]!);
  switch (node.kind) {
    case "const":
      return `const ${node.type} ${Object.is(node.value, -0) ? "-0" : node.value}`;
    case "param":
      return `param ${node.param}`;
    case "op": {
      const args = of(node.args);
      if (COMMUTATIVE.has(node.op)) args.sort((a, b) => a - b);
      return `${node.op} ${args}`;
    }
    case "load":
      return `load ${node.param} ${of(node.args)}`;
    case "reduce":
      return `reduce ${node.param} ${printReduction(node.reduction, { spans: false })}`;
  }
}
