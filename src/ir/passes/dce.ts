/**
 * Dead code: drops nodes that no result depends on. Parameters stay.
 */

import { operandsOf } from "../operands.ts";
import type { Func } from "../types.ts";
import { rewrite } from "./_rewrite.ts";

/** Keeps what the results need. */
export function dce(func: Func): Func {
  const live = new Set(func.results);
  for (const node of func.nodes.toReversed()) {
    if (live.has(node.id)) { for (const id of operandsOf(node)) live.add(id); }
  }
  return rewrite(func, () => undefined, (node) => live.has(node.id));
}
