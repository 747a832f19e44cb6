/**
 * Whether an attention variant needs the order of the keys: every key that a query may see came before it,
 * so a causal mask asks for no more than that, and any order of older rows gives the same result.
 */

import type { Func } from "../ir/types.ts";
import { readParams } from "./arguments.ts";

/** Whether hooks read where a key stands, beyond that it is not behind the query. */
export const readsKeyOrder = ({ score, mask }: Readonly<Record<string, Func>>): boolean =>
  readsKeyPosition(score!) || (readsKeyPosition(mask!) && !isCausal(mask!));

const readsKeyPosition = (func: Func): boolean =>
  [...readParams(func)].some((i) => func.params[i]!.name === "keyPosition");

/** Whether a mask is keyPosition ≤ queryPosition and nothing else. */
function isCausal({ params, nodes, results }: Func): boolean {
  const nodeOf = (id: number) => nodes.find((node) => node.id === id);
  const root = nodeOf(results[0]!);
  if (root?.kind !== "op" || (root.op !== "le" && root.op !== "ge")) return false;
  const names = root.args.map((id) => {
    const arg = nodeOf(id);
    return arg?.kind === "param" ? params[arg.param]!.name : null;
  });
  const [key, query] = root.op === "le" ? names : names.toReversed();
  return key === "keyPosition" && query === "queryPosition";
}
