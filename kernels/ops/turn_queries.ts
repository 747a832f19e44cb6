import { kernel, read, readwrite } from "kerf/dsl";

/**
 * Turns remembered queries back where rows are about to leave a cache whose keys are rotated by their places: by
 * as many places as rows leave before a query. So a query stands behind the last row that is no later than it,
 * and later scores compare it with keys at their new places.
 */
export default kernel({
  name: "turn_queries",
  bindings: [
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("arena", "u8", ["arenaBytes"]),
    read("rope", "f32", ["nCtx", "headDim"]),
    read("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
    read("kept", "u32", ["nKvHeads", "max_rows"]),
    read("kept_counts", "u32", ["nLayers", "nKvHeads", "2"]),
    readwrite("q_ring", "f32", ["nSlots", "nLayers", "nHeads", "window", "headDim"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_heads", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "page_entries", dtype: "u32", doc: "entries of a head in pages" },
    { name: "value_page", dtype: "u32", doc: "the first one of values that carry positions" },
    { name: "window", dtype: "u32", doc: "places of the ring" },
    { name: "n_window", dtype: "u32", doc: "queries in it" },
    { name: "n_tokens", dtype: "u32", doc: "position after the last query" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head" },
  ],
  grid: [{ of: { constant: "n_heads" } }],
  defines: ["HEAD_DIM"],
});
