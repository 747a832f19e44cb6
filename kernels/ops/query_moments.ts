import { kernel, read, readwrite } from "kerf/dsl";

/**
 * Adds a step's queries, before they are rotated, to the moments of every head: the first one that counts,
 * the sum of all differences from it, the sum of their products. A sequence's first rows do not count.
 */
export default kernel({
  name: "query_moments",
  bindings: [
    read("qkv", "f32", ["nRows", "qkv_stride"]),
    read("seqs", "u32", ["nSeqs", "4"]),
    readwrite("moments", "f32", ["nSlots", "nLayers", "nHeads", "headDim + 2", "headDim"]),
    read("step", "u32", ["stepFields"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_heads", dtype: "u32" },
    { name: "qkv_stride", dtype: "u32", doc: "elements between rows of qkv" },
    { name: "skip", dtype: "u32", doc: "first rows of a sequence that do not count" },
  ],
  grid: [{ of: { step: "nSeqs" } }, { of: { constant: "n_heads" } }],
  defines: ["HEAD_DIM"],
});
