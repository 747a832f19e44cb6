/** The kernels of attention by name: of a problem, and those that all problems of a layout run. */

import { layoutName, mergeKernel } from "../layout/name.ts";
import type { Layout } from "../layout/types.ts";
import type { AttentionProblem } from "./attention.ts";
import type { KernelUse } from "./kernels.ts";

/** Ends the names of kernels that round what meets the cache. */
const Q8 = "_q8";

/** The kernels that a problem of this layout runs. */
export function attentionUses(
  variant: string,
  layout: Layout,
  { group, headDim, rounds = false }: AttentionProblem["shape"] & {
    readonly rounds?: boolean;
  },
): KernelUse[] {
  const defines = { HEAD_DIM: headDim, GROUP: group };
  const end = rounds ? Q8 : "";
  const heads = ["prefill", "decode"].map((entry) => `attention_${variant}_${entry}${end}`);
  return [
    ...heads.map((head) => ({ name: `${head}__${layoutName(layout)}`, defines })),
    { name: mergeKernel(layout), defines },
  ];
}

/** The kernel of an entry. */
export const kernelOf = (
  p: AttentionProblem,
  entry: "prefill" | "prefill_recording" | "decode" | "sums",
) =>
  `attention_${p.source.definition.name}_${entry}${p.codes ? Q8 : ""}__${
    layoutName(p.cache.layout)
  }`;
