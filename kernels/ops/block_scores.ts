import { kernel, read, write } from "kerf/dsl";

/**
 * The score of each row that may be evicted becomes that of its block: rows whose positions, over the block's
 * size, have one whole part. They meet in their mean or their largest. Protected rows belong to none, so a
 * block that reaches into them is that much smaller.
 */
export default kernel({
  name: "block_scores",
  bindings: [
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("arena", "u8", ["arenaBytes"]),
    read("token_scores", "f32", ["nKvHeads", "max_rows"]),
    read("cuts", "u32", ["nLayers", "nKvHeads", "4"]),
    write("block_scores", "f32", ["nKvHeads", "max_rows"]),
    write("block_starts", "u32", ["nKvHeads", "max_rows"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "page_entries", dtype: "u32", doc: "entries of a head in pages" },
    { name: "value_page", dtype: "u32", doc: "the first one of values that carry positions" },
    { name: "block_rows", dtype: "u32", doc: "positions of a block" },
    { name: "takes_max", dtype: "u32", doc: "rows meet in their largest, else in their mean" },
    { name: "protect_first", dtype: "u32" },
    { name: "protect_last", dtype: "u32" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: 256 }],
});
