import { layoutKernel, read, write } from "kerf/dsl";

/** The mean of every channel over a layer's whole keys, rounded to f16: what it reads as where a row lacks it. */
export default layoutKernel({
  name: "key_means",
  source: "arXiv:2508.15212",
  rows: "whole",
  losing: "sets",
  bindings: [
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("heads", "u32", ["nSlots", "nLayers", "nKvHeads", "2·nSegments"]),
    read("arena", "u8", ["arenaBytes"]),
    write("fills", "f32", ["nSlots", "nLayers", "nKvHeads", "headDim"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "page_entries", dtype: "u32", doc: "entries of a head in pages" },
    { name: "key_page", dtype: "u32", doc: "first page entry of the last segment of keys" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
  defines: ["HEAD_DIM"],
});
