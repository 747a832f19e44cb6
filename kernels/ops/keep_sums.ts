import { layoutKernel, read, readwrite } from "kerf/dsl";

/** Moves the running sums of the kept rows of a layer, which lie behind the rows of a page, as the rows move. */
export default layoutKernel({
  name: "keep_sums",
  bindings: [
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("kept", "u32", ["nKvHeads", "max_rows"]),
    read("kept_counts", "u32", ["nLayers", "nKvHeads", "2"]),
    readwrite("arena", "u8", ["arenaBytes"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "page_entries", dtype: "u32", doc: "entries of a head in the block table" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head before" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
  defines: ["HEAD_DIM"],
});
