import { kernel, read, readwrite } from "kerf/dsl";

/** Gives rows that a head keeps before heads share their budgets the largest score there is. */
export default kernel({
  name: "raise_rows",
  bindings: [
    read("kept", "u32", ["nKvHeads", "max_rows"]),
    read("kept_counts", "u32", ["nLayers", "nKvHeads", "2"]),
    readwrite("token_scores", "f32", ["nKvHeads", "max_rows"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
});
