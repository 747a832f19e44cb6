import { kernel, read, readwrite } from "kerf/dsl";

/**
 * Leaves out the rows of a block that was chosen in part: the last one that the budget reached. A head that
 * has nothing else keeps them.
 */
export default kernel({
  name: "trim_blocks",
  bindings: [
    read("block_starts", "u32", ["nKvHeads", "max_rows"]),
    read("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
    readwrite("kept", "u32", ["nKvHeads", "max_rows"]),
    readwrite("kept_counts", "u32", ["nLayers", "nKvHeads", "2"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "protect_first", dtype: "u32" },
    { name: "protect_last", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
});
