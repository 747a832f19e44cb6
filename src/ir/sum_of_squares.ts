/**
 * Whether a reduction is one of Σ x²: the only sums of a row's channels that an orthogonal basis leaves alone.
 * Read off its step, so that an author's own reduction counts too.
 */

import type { Func, Node, Reduction } from "./types.ts";

/** Whether the accumulator starts at 0 and every element adds its square; the finish may be anything. */
export function sumsSquares({ init, step, merge }: Pick<Reduction, "init" | "step" | "merge">) {
  const isSquare = (func: Func, node: Node) =>
    node.kind === "op" && node.op === "mul" && node.args.every((id) => isParam(func, id, 1));
  return init === 0 &&
    addsTo(step, (node) => isSquare(step, node)) &&
    addsTo(merge, (node) => node.kind === "param" && node.param === 1);
}

const isParam = ({ nodes }: Func, id: number, param: number): boolean => {
  const node = nodes[id]!;
  return node.kind === "param" && node.param === param;
};

/** Whether a function of (a, b) is a + `what`, in either order. */
function addsTo(func: Func, what: (node: Node) => boolean): boolean {
  const [id] = func.results;
  const node = func.nodes[id!]!;
  if (node.kind !== "op" || node.op !== "add") return false;
  const [left, right] = node.args as [number, number];
  return (isParam(func, left, 0) && what(func.nodes[right]!)) ||
    (isParam(func, right, 0) && what(func.nodes[left]!));
}
