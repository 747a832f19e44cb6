import { layoutKernel, read, readwrite } from "kerf/dsl";

/**
 * Moves the kept rows of a layer to the front of their pages, in order: every segment of keys in itself, values
 * with their positions. `heads` still has the rows before. Where keys are rotated by their place, they are
 * turned back by as much as they move. One item takes a KV head's rows one after the other, so that no row is
 * written before it is read.
 */
export default layoutKernel({
  name: "keep_rows",
  bindings: [
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
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
    { name: "page_entries", dtype: "u32", doc: "entries of a head in the block table" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head before" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
  defines: ["HEAD_DIM"],
});
