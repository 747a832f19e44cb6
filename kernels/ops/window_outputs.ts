import { layoutKernel, read, write } from "kerf/dsl";

/**
 * What attention makes for the last `n_window` queries over every row of a layer, before any of them loses a
 * channel: causal by true positions, without the variant's score and mask. f32 [nHeads, n_window, headDim].
 */
export default layoutKernel({
  name: "window_outputs",
  source: "arXiv:2407.21018",
  rows: "whole",
  bindings: [
    read("q_ring", "f32", ["nSlots", "nLayers", "nHeads", "window", "headDim"]),
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("heads", "u32", ["nSlots", "nLayers", "nKvHeads", "2·nSegments"]),
    read("arena", "u8", ["arenaBytes"]),
    write("outputs", "f32", ["nHeads", "n_window", "headDim"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_heads", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "page_entries", dtype: "u32", doc: "entries of a head in pages" },
    { name: "window", dtype: "u32", doc: "places of the ring" },
    { name: "n_window", dtype: "u32", doc: "queries in it" },
    { name: "n_tokens", dtype: "u32", doc: "position after the last query" },
    { name: "scale", dtype: "f32", doc: "1 / √headDim" },
    { name: "key_page", dtype: "u32", doc: "first page entry of the last segment of keys" },
    { name: "value_page", dtype: "u32", doc: "first page entry of the last segment of values" },
  ],
  grid: [{ of: { constant: "n_heads" } }, { of: { constant: "n_window" } }],
  defines: ["HEAD_DIM", "GROUP"],
});
