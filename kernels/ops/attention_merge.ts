import { kernel, read, write } from "kerf/dsl";
import type { KernelSpec } from "kerf/dsl";

/** What merging takes and gives, in whatever basis the values are. */
export const outside: Omit<KernelSpec, "name"> = {
  source: "arXiv:2205.14135",
  bindings: [
    read("partials", "f32", ["nDecode", "nHeads", "nSplits", "headDim + 16"]),
    read("decode_rows", "u32", ["nDecode"]),
    write("out", "f32", ["nRows", "nHeads * headDim"]),
    read("step", "u32", ["stepFields"]),
  ],
  constants: [
    { name: "n_heads", dtype: "u32" },
    { name: "out_stride", dtype: "u32", doc: "elements between rows of out" },
  ],
  grid: [{ of: { step: "nDecode" } }, { of: { constant: "n_heads" } }],
  defines: ["HEAD_DIM"],
  codes: "out",
};

/**
 * Merges the partial softmaxes of one decoded row and query head, in order: each partial holds the
 * weighted values, the largest logit and the sum of weights of one 256-row chunk of the cache.
 */
export default kernel({ name: "attention_merge", ...outside });
