/** The passes, and the order they run in. Each keeps every value in mode "f32" bit for bit. */

import { printFunc } from "../print.ts";
import type { Func, Reduction } from "../types.ts";
import { rewrite } from "./_rewrite.ts";
import { cse } from "./cse.ts";
import { dce } from "./dce.ts";
import { fold } from "./fold.ts";

export { cse } from "./cse.ts";
export { dce } from "./dce.ts";
export { fold } from "./fold.ts";
export { hoist } from "./hoist.ts";
export type { Hoisted } from "./hoist.ts";

/**
 * fold, cse, dce until nothing changes, in the function and in its reductions. For emitters only: the f64
 * reference is the function as authored (see fold.ts).
 */
export function simplify(func: Func): Func {
  let before = simplifyReductions(func);
  while (true) {
    const after = dce(cse(fold(before)));
    if (sameText(before, after)) return after;
    before = after;
  }
}

function simplifyReductions(func: Func): Func {
  const done = new Map<Reduction, Reduction>();
  return rewrite(func, (node, _ids, builder) => {
    if (node.kind !== "reduce") return undefined;
    const reduction = done.get(node.reduction) ?? simplifyReduction(node.reduction);
    done.set(node.reduction, reduction);
    return builder.reduce(reduction, node.param, node.span, node.name);
  });
}

function simplifyReduction(reduction: Reduction): Reduction {
  const { name, init, step, merge, finish } = reduction;
  return Object.freeze({
    name,
    init,
    step: simplify(step),
    merge: simplify(merge),
    finish: simplify(finish),
  });
}

const sameText = (a: Func, b: Func) =>
  printFunc(a, { spans: false }) === printFunc(b, { spans: false });
