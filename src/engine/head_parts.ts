/**
 * The parts of a layer's attention: its KV heads, each with the query heads that share it. Nothing of one head needs
 * anything of another between the product that makes q, k and v and the heads' outputs, so no step there has to wait
 * for all heads.
 */

import type { Parts } from "../device/types.ts";
import type { LlamaConfig } from "../model/config.ts";

type Heads = Pick<LlamaConfig, "nHeads" | "nKvHeads" | "headDim">;

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const kvHeadOf = ({ nHeads, nKvHeads }: Heads, head: number) =>
  Math.floor(head / (nHeads / nKvHeads));

/** Of kernels whose grid counts KV heads. */
export const kvHeadParts = ({ nKvHeads }: Heads): Parts => ({
  along: "n_kv_heads",
  of: upTo(nKvHeads),
});

/** Of kernels whose grid counts query heads. */
export const queryHeadParts = (heads: Heads): Parts => ({
  along: "n_heads",
  of: upTo(heads.nHeads).map((head) => kvHeadOf(heads, head)),
});

/** Of a product that makes the columns of `qkv` from `firstOut` on: query heads, key heads, value heads. */
export function productParts(
  heads: Heads,
  { firstOut, nOut }: { readonly firstOut: number; readonly nOut: number },
): Parts {
  const { nHeads, nKvHeads, headDim } = heads;
  const partOf = (head: number) =>
    head < nHeads ? kvHeadOf(heads, head) : (head - nHeads) % nKvHeads;
  return {
    along: "n_out",
    of: upTo(nOut).map((out) => partOf(Math.floor((firstOut + out) / headDim))),
  };
}
