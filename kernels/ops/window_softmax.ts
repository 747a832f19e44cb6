import { layoutKernel, read, write } from "kerf/dsl";

/**
 * The softmax of the last `n_window` queries over every row of a layer, causal by true positions: per query
 * the largest logit and the sum of e^(logit − largest). Zero rows to see give a sum of 0.
 */
export default layoutKernel({
  name: "window_softmax",
  scores: true,
  classes: true,
  bindings: [
    read("q_ring", "f32", ["nSlots", "nLayers", "nHeads", "window", "headDim"]),
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("heads", "u32", ["nSlots", "nLayers", "nKvHeads", "2·nSegments"]),
    read("channels", "u32", ["nSlots", "nLayers", "nKvHeads", "headDim"]),
    read("fills", "f32", ["nSlots", "nLayers", "nKvHeads", "headDim"]),
    read("arena", "u8", ["arenaBytes"]),
    write("window_sums", "f32", ["nHeads", "n_window", "2"]),
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
  ],
  grid: [{ of: { constant: "n_heads" } }, { of: { constant: "n_window" }, per: 8 }],
  defines: ["HEAD_DIM", "GROUP"],
});
