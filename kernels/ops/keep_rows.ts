import { layoutKernel, read, readwrite } from "kerf/dsl";

/**
 * Copies the kept rows of a layer to new pages, in order: every segment of keys to itself, values with
 * their positions. `heads` still has the rows before. Where keys are rotated by their place, they are turned
 * back by as much as they move.
 */
export default layoutKernel({
  name: "keep_rows",
  bindings: [
    read("src_pages", "u32", ["nKvHeads", "page_entries"]),
    read("dst_pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("heads", "u32", ["nSlots", "nLayers", "nKvHeads", "2·nSegments"]),
    read("rope", "f32", ["nCtx", "headDim"]),
    read("kept", "u32", ["nKvHeads", "max_rows"]),
    read("kept_counts", "u32", ["nLayers", "nKvHeads", "2"]),
    readwrite("arena", "u8", ["arenaBytes"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "page_entries", dtype: "u32", doc: "entries of a head in both page tables" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head before" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: 16 }],
  defines: ["HEAD_DIM"],
});
