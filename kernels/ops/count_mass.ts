import { kernel, read, readwrite } from "kerf/dsl";

/**
 * Lowers a KV head's count to the fewest of the highest candidates whose scores sum to a share of all, and at
 * least to what it keeps in any case. A score's mass is a whole number, 24 bits of it at the largest score's
 * exponent, so the order of sums changes nothing; scores of 0 and below have none.
 */
export default kernel({
  name: "count_mass",
  bindings: [
    read("candidate_scores", "f32", ["nLists", "max_rows"]),
    readwrite("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "first_list", dtype: "u32", doc: "the list of KV head 0" },
    { name: "mass", dtype: "u32", doc: "the share that is enough, in 2⁻²⁰" },
    { name: "takes_ties", dtype: "u32", doc: "all that equal the lowest which stays do too" },
    { name: "least", dtype: "u32", doc: "what a head keeps in any case" },
    { name: "multiple", dtype: "u32", doc: "what counts are rounded up to" },
    { name: "protect_first", dtype: "u32" },
    { name: "protect_last", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "scores of a list" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
});
