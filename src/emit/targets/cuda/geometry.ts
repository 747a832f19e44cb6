/**
 * How CUDA cuts work: threads of a block, and the blocks where they are not the family's items. Every
 * kernel loops over its items by the number of blocks there are, so a smaller grid computes the same.
 */

import type { Geometry } from "../../target.ts";

/** Outputs of a matrix product's block: one group of packed rows. */
const OUTPUTS = 16;

/** Rows of x that meet each unpacked weight: with four outputs each, 32 sums of a thread's registers. */
const ROWS = 8;

/** Blocks that share one KV head's channels: few heads alone would leave most of a GPU idle. */
const CHANNEL_PARTS = 16;

/** By template. */
export const CUDA_GEOMETRY: Readonly<Record<string, Geometry>> = Object.freeze({
  rowwise: { workgroup: 256 },
  pairwise: { workgroup: 128 },
  embedding_codes: { workgroup: 128 },
  embedding_values: { workgroup: 128 },
  // Sixteen rows times eight slices of their values.
  pack_codes: { workgroup: 128 },
  pack_values: { workgroup: 128 },
  // A row at a time, all its heads.
  append: { workgroup: 128, grid: [{ of: { step: "nRows" } }] },
  move_rows: { workgroup: 128 },
  encode_rows: { workgroup: 128 },
  decode_rows: { workgroup: 128 },
  order_rows: { workgroup: 128 },
  // Sixteen threads a channel.
  coding_losses: { workgroup: 256 },
  select_bits: { workgroup: 128 },
  keep_rows: { workgroup: 128 },
  turn_queries: { workgroup: 128 },
  pool_scores: { workgroup: 128 },
  raise_rows: { workgroup: 128 },
  block_scores: { workgroup: 128 },
  trim_blocks: { workgroup: 128 },
  count_above: { workgroup: 256 },
  count_mass: { workgroup: 256 },
  select_rows: { workgroup: 256 },
  key_anchors: { workgroup: 128 },
  // A query a block: as many rows side by side as its threads.
  window_softmax: {
    workgroup: 128,
    grid: [{ of: { constant: "n_heads" } }, { of: { constant: "n_window" } }],
  },
  // A row a thread.
  token_scores: {
    workgroup: 64,
    grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: 64 }],
  },
  // A query a block: as many rows side by side as its threads.
  window_outputs: { workgroup: 128 },
  output_scores: { workgroup: 64 },
  key_means: { workgroup: 128 },
  // A channel a thread.
  thin_rows: { workgroup: 128 },
  fill_rows: { workgroup: 128 },
  average_rows: { workgroup: 128 },
  repeat_means: { workgroup: 128 },
  select_channels: { workgroup: 128 },
  attention_merge: { workgroup: 64 },
  attention_merge_turned: { workgroup: 64 },
  attention_merge_recording: { workgroup: 64 },
  attention_merge_turned_recording: { workgroup: 64 },
  query_moments: { workgroup: 128 },
  expected_sums: { workgroup: 128 },
  // Sixteen threads a row.
  expected_logits: {
    workgroup: 128,
    grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: 8 }],
  },
  // One row is all that a step of one sequence has: as many loads in flight as a block can hold.
  arg_max: { workgroup: 1024 },
  // Each thread owns two of a chunk's 256 rows.
  attention: { workgroup: 128 },
  // A warp per channel at a time.
  channel_scores: {
    workgroup: 128,
    grid: [{ of: { constant: "n_kv_heads" } }, { of: CHANNEL_PARTS }],
    context: { parts: String(CHANNEL_PARTS) },
  },
  // Four threads for sixteen outputs, times thirty-two slices of the inputs.
  matmul: {
    workgroup: 128,
    product: true,
    grid: [
      { of: { stepAt: "rows_field" }, per: ROWS },
      { of: { constant: "n_out" }, per: OUTPUTS },
    ],
    context: { rows: String(ROWS), outputs: String(OUTPUTS) },
  },
});
