import { kernel, read, write } from "kerf/dsl";

/**
 * An order of rows in two classes: those that were chosen, then the others, each ascending. `cuts` says how
 * many rows there are; the first ones, which are chosen whatever their score, are in neither class.
 */
export default kernel({
  name: "order_rows",
  bindings: [
    read("kept", "u32", ["nKvHeads", "max_rows"]),
    read("kept_counts", "u32", ["nLayers", "nKvHeads", "2"]),
    read("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
    write("order", "u32", ["nKvHeads", "max_rows"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "protect_first", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest order" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
});
