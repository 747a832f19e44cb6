import { kernel, read, readwrite } from "kerf/dsl";

/**
 * Keeps the last `window` rotated queries of every sequence in a ring: row p of the sequence goes to
 * place p mod window, so that scores at the end of prefill do not depend on how it was chunked.
 */
export default kernel({
  name: "record_queries",
  bindings: [
    read("qkv", "f32", ["nRows", "qkvStride"]),
    read("row_seq", "u32", ["nRows"]),
    read("seqs", "u32", ["nSeqs", "4"]),
    readwrite("q_ring", "f32", ["nSlots", "nLayers", "nHeads", "window", "headDim"]),
    read("step", "u32", ["stepFields"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_heads", dtype: "u32" },
    { name: "qkv_stride", dtype: "u32", doc: "elements between rows of qkv" },
    { name: "window", dtype: "u32", doc: "places of the ring" },
  ],
  grid: [{ of: { step: "nRows" } }],
  defines: ["HEAD_DIM"],
});
