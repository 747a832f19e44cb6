/**
 * Selects that a target's own conditional makes needless. In IR both branches of a `select` are evaluated,
 * so the front end guards a load inside a branch with the same condition once more; where the target's
 * conditional guards loads (`EmitTarget.guardsLoads`), the inner guard is always open.
 */

import { operandsOf } from "../ir/operands.ts";
import type { Func, Node } from "../ir/types.ts";

type Select = Node & { readonly kind: "op" };

/**
 * For each needless select the operand that stands for it, by node id. A select counts only where every
 * value on the way to the outer one is printed in place: read once and unnamed.
 */
export function lazySelects(func: Func): ReadonlyMap<number, number> {
  const readers = func.nodes.map(() => [] as number[]);
  for (const node of func.nodes) for (const id of operandsOf(node)) readers[id]!.push(node.id);
  const open = new Map<number, number>();
  for (const node of func.nodes) {
    if (!isSelect(node)) continue;
    const [condition] = node.args;
    let child: Node = node;
    while (!func.results.includes(child.id) && child.name === undefined) {
      const [parentId, ...others] = readers[child.id]!;
      if (parentId === undefined || others.length > 0) break;
      const parent: Node = func.nodes[parentId]!;
      if (isSelect(parent) && parent.args[0] === condition && child.id !== condition) {
        open.set(node.id, node.args[parent.args.indexOf(child.id)]!);
        break;
      }
      child = parent;
    }
  }
  return open;
}

const isSelect = (node: Node): node is Select => node.kind === "op" && node.op === "select";
