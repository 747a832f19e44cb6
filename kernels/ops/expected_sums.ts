import { kernel, read, write } from "kerf/dsl";

/**
 * The softmax of each query head's expected logits over the rows behind the first protected ones: the largest
 * logit, the sum of e^(logit − largest).
 */
export default kernel({
  name: "expected_sums",
  bindings: [
    read("expected_logits", "f32", ["nHeads", "max_rows"]),
    read("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
    write("expected_sums", "f32", ["nHeads", "2"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_heads", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "protect_first", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head" },
  ],
  grid: [{ of: { constant: "n_heads" } }],
});
