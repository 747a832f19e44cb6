/**
 * How WGSL cuts work: threads of a work group, and the grid where it differs from the family's. A work
 * group does what a work item does on C unless the grid is given here.
 */

import type { Geometry } from "../../target.ts";

/** Outputs of a matrix product's work group: one group of packed rows. */
const OUTPUTS = 16;

/** Rows of x that meet each unpacked weight: their sums, four outputs each, stay in registers. */
const ROWS = 8;

/** Work groups that share the channels of one KV head's scores. */
const SLICES = 16;

/** By template. */
export const WGSL_GEOMETRY: Readonly<Record<string, Geometry>> = Object.freeze({
  // A power of two: partial results meet in a tree.
  rowwise: { workgroup: 128 },
  // One thread per channel of the common head sizes.
  pairwise: { workgroup: 64 },
  embedding_codes: { workgroup: 64 },
  embedding_values: { workgroup: 64 },
  // A row at a time, all its heads.
  append: { workgroup: 64, grid: [{ of: { step: "nRows" } }] },
  move_rows: { workgroup: 64 },
  encode_rows: { workgroup: 64 },
  decode_rows: { workgroup: 64 },
  order_rows: { workgroup: 64 },
  // Sixteen channels of four groups of rows.
  coding_losses: { workgroup: 64 },
  select_bits: { workgroup: 64 },
  keep_rows: { workgroup: 64 },
  turn_queries: { workgroup: 64 },
  pool_scores: {
    workgroup: 64,
    grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: 64 }],
  },
  raise_rows: { workgroup: 128 },
  block_scores: {
    workgroup: 64,
    grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: 64 }],
  },
  trim_blocks: { workgroup: 128 },
  count_above: { workgroup: 256 },
  count_mass: { workgroup: 256 },
  select_rows: { workgroup: 256 },
  key_anchors: { workgroup: 64 },
  // A query a work group: as many rows side by side as its threads.
  window_softmax: {
    workgroup: 64,
    grid: [{ of: { constant: "n_heads" } }, { of: { constant: "n_window" } }],
  },
  // A row a thread.
  token_scores: {
    workgroup: 64,
    grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: 64 }],
  },
  pack_values: { workgroup: 64 },
  pack_codes: { workgroup: 64 },
  // A query a work group: as many rows side by side as its threads.
  window_outputs: { workgroup: 64 },
  output_scores: { workgroup: 64 },
  key_means: { workgroup: 128 },
  // A channel a thread.
  thin_rows: { workgroup: 64 },
  fill_rows: { workgroup: 64 },
  average_rows: { workgroup: 128 },
  repeat_means: { workgroup: 64 },
  select_channels: { workgroup: 64 },
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
  // One row is all that a step of one sequence has: the most threads that every adapter grants.
  arg_max: { workgroup: 256 },
  // Each thread owns two of a chunk's 256 rows, which share a word.
  attention: { workgroup: 128 },
  // Rows over threads, channels over slices too: a model may have few KV heads.
  channel_scores: {
    workgroup: 128,
    grid: [{ of: { constant: "n_kv_heads" } }, { of: SLICES }],
    context: { slices: String(SLICES) },
  },
  // Four threads for sixteen outputs, times sixteen slices of the inputs.
  matmul: {
    workgroup: 64,
    grid: [
      { of: { stepAt: "rows_field" }, per: ROWS },
      { of: { constant: "n_out" }, per: OUTPUTS },
    ],
    context: { rows: String(ROWS), outputs: String(OUTPUTS) },
  },
});
