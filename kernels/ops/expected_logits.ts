import { layoutKernel, read, write } from "kerf/dsl";

/**
 * What a query of a head's moments is expected to give each row, as a logit: μᵀk/√d + kᵀΣk/2d, the moments
 * rotated to the mean of the next `ahead` positions.
 */
export default layoutKernel({
  name: "expected_logits",
  scores: true,
  bindings: [
    read("moments", "f32", ["nSlots", "nLayers", "nHeads", "headDim + 2", "headDim"]),
    read("angles", "f32", ["nCtx + ahead", "headDim"]),
    read("pages", "u32", ["nSlots", "nLayers", "nKvHeads", "page_entries"]),
    read("heads", "u32", ["nSlots", "nLayers", "nKvHeads", "2·nSegments"]),
    read("channels", "u32", ["nSlots", "nLayers", "nKvHeads", "headDim"]),
    read("arena", "u8", ["arenaBytes"]),
    write("expected_logits", "f32", ["nHeads", "max_rows"]),
  ],
  constants: [
    { name: "slot", dtype: "u32" },
    { name: "layer", dtype: "u32" },
    { name: "n_layers", dtype: "u32" },
    { name: "n_heads", dtype: "u32" },
    { name: "n_kv_heads", dtype: "u32" },
    { name: "page_entries", dtype: "u32", doc: "entries of a head in pages" },
    { name: "n_tokens", dtype: "u32", doc: "position after the last query" },
    { name: "skip", dtype: "u32", doc: "first rows of a sequence that do not count" },
    { name: "ahead", dtype: "u32", doc: "positions whose rotations meet in their mean" },
    { name: "n_tiles", dtype: "u32", doc: "tiles of the longest head, all segments" },
    { name: "max_rows", dtype: "u32", doc: "rows of the longest head" },
    { name: "scale", dtype: "f32", doc: "1 / √headDim" },
  ],
  grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "n_tiles" }, per: 8 }],
  defines: ["HEAD_DIM", "GROUP"],
});
