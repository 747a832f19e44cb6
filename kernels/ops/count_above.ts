import { kernel, read, readwrite } from "kerf/dsl";

/**
 * Lowers a KV head's count to the candidates of at least a score, and at least to what it keeps in any case.
 * The count is the protected ones and those.
 */
export default kernel({
  name: "count_above",
  bindings: [
    read("candidate_scores", "f32", ["nLists", "max_rows"]),
    readwrite("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "first_list", dtype: "u32", doc: "the list of KV head 0" },
    { name: "lowest", dtype: "f32", doc: "the lowest score that stays" },
    { name: "relative", dtype: "u32", doc: "lowest is in parts of the largest score" },
    { name: "least", dtype: "u32", doc: "what a head keeps in any case" },
    { name: "multiple", dtype: "u32", doc: "what counts are rounded up to" },
    { name: "protect_first", dtype: "u32" },
    { name: "protect_last", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "scores of a list" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
});
