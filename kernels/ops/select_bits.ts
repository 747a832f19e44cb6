import { kernel, read, write } from "kerf/dsl";

/**
 * Chooses the bits of every channel of a layer: the classes whose costs, `scores` times `losses`, sum to the
 * least within the budget, of all heads of `due_counts` together or of each by itself; a head without any is left
 * alone. Where a head has two lists of rows, a bit of either costs by the share of the rows; a list without rows
 * gets the other's choice. Channels go up along the lower convex hull of their costs by what a bit wins, equal
 * ones in the order of heads, lists and channels, while the budget holds. A list has the channels of the high
 * class, then of the low one, then those without bits, each ascending; these read as their means.
 */
export default kernel({
  name: "select_bits",
  bindings: [
    read("scores", "f32", ["nSlots", "nLayers", "nKvHeads", "headDim"]),
    read("losses", "f32", ["nKvHeads", "nKeyLists", "headDim", "3"]),
    read("means", "f32", ["nKvHeads", "nKeyLists", "headDim"]),
    read("due_counts", "u32", ["nKvHeads", "nKeyLists"]),
    write("channels", "u32", ["nSlots", "nLayers", "nKvHeads", "nKeyLists", "headDim"]),
    write("fills", "f32", ["nSlots", "nLayers", "nKvHeads", "nKeyLists", "headDim"]),
    write("class_counts", "u32", ["nKvHeads", "nKeyLists", "2"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "n_key_lists", dtype: "u32", doc: "lists of a head, at most two" },
    {
      name: "low_price",
      dtype: "u32",
      doc: "bits of a group of a low channel, its scale included",
    },
    { name: "high_price", dtype: "u32", doc: "the same of a high one" },
    { name: "shares", dtype: "u32", doc: "the heads of the layer choose together" },
    {
      name: "budget",
      dtype: "u32",
      doc: "bits of a group of all channels that are chosen together",
    },
    { name: "first_parts", dtype: "u32", doc: "of 256 parts of a head's rows its first list's" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "n_key_lists" } }],
  defines: ["HEAD_DIM"],
});
