import { kernel, read, write } from "kerf/dsl";

/**
 * One score for every row that may be evicted: neighbours meet in each of `n_sources` heads, then the heads
 * do. Protected rows are no neighbours, and their scores are not written.
 */
export default kernel({
  name: "pool_scores",
  bindings: [
    read("row_scores", "f32", ["nSources", "max_rows"]),
    read("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
    write("token_scores", "f32", ["nKvHeads", "max_rows"]),
  ],
  constants: [
    { name: "layer", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "n_sources", dtype: "u32", doc: "heads of row_scores that meet" },
    {
      name: "source_step",
      dtype: "u32",
      doc: "from the first one of a KV head to the next KV head's",
    },
    { name: "takes_max", dtype: "u32", doc: "heads meet in their largest, else in their mean" },
    {
      name: "pools_max",
      dtype: "u32",
      doc: "neighbours meet in their largest, else in their mean",
    },
    { name: "pool_width", dtype: "u32", doc: "rows that meet, odd" },
    { name: "protect_first", dtype: "u32" },
    { name: "protect_last", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: 256 }],
});
