import { kernel, read, write } from "kerf/dsl";

/**
 * Keeps the protected rows and those of the highest scores, in ascending order; equal scores keep the lower
 * row, of the earlier head where heads share what they keep. Finds the lowest score that stays byte by byte,
 * so the work is linear in the rows.
 */
export default kernel({
  name: "select_rows",
  bindings: [
    read("token_scores", "f32", ["nKvHeads", "max_rows"]),
    read("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
    write("kept", "u32", ["nKvHeads", "max_rows"]),
    write("kept_counts", "u32", ["nLayers", "nKvHeads", "2"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "shares", dtype: "u32", doc: "the heads of the layer choose together" },
    { name: "protect_first", dtype: "u32" },
    { name: "protect_last", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
});
