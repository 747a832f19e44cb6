import { layoutKernel, read, write } from "kerf/dsl";

/** Per KV head of a layer the mean of its keys, each divided by its norm, and then the mean's own norm. */
export default layoutKernel({
  name: "key_anchors",
  scores: true,
  bindings: [
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("heads", "u32", ["nSlots", "nLayers", "nKvHeads", "2·nSegments"]),
    read("channels", "u32", ["nSlots", "nLayers", "nKvHeads", "headDim"]),
    read("arena", "u8", ["arenaBytes"]),
    write("anchors", "f32", ["nKvHeads", "headDim + 16"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "page_entries", dtype: "u32", doc: "entries of a head in pages" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
  defines: ["HEAD_DIM"],
});
