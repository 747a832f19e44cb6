import { kernel, read, write } from "kerf/dsl";

/**
 * Keeps the channels of the highest scores: `widths` of them per KV head, in ascending order; equal
 * scores keep the lower channel.
 */
export default kernel({
  name: "select_channels",
  bindings: [
    read("scores", "f32", ["nSlots", "nLayers", "nKvHeads", "headDim"]),
    read("widths", "u32", ["nLayers", "nKvHeads"]),
    write("channels", "u32", ["nSlots", "nLayers", "nKvHeads", "headDim"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }],
  defines: ["HEAD_DIM"],
});
