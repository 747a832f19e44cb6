/*
 * One score for every row that may be evicted: neighbours meet in each of `n_sources` heads, then the heads
 * do. Protected rows are no neighbours, and their scores are not written.
 *
 * Generated from kernels/ops/pool_scores.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_kv_heads: u32,
  n_sources: u32, /* heads of row_scores that meet */
  source_step: u32, /* from the first one of a KV head to the next KV head's */
  takes_max: u32, /* heads meet in their largest, else in their mean */
  pools_max: u32, /* neighbours meet in their largest, else in their mean */
  pool_width: u32, /* rows that meet, odd */
  protect_first: u32,
  protect_last: u32,
  max_rows: u32, /* rows of the longest head */
}

@group(0) @binding(0) var<storage, read> row_scores_buf: array<f32>; /* f32 [nSources, max_rows] */
@group(0) @binding(1) var<storage, read> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(2) var<storage, read_write> token_scores_buf: array<f32>; /* f32 [nKvHeads, max_rows] */
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

/* Rows first … end − 1 of one head met: their largest, or their sum over the width. */
fn meet(scores: u32, first: u32, end: u32) -> f32 {
  var total = row_scores_buf[scores + first];
  for (var row = first + 1u; row < end; row++) {
    let score = row_scores_buf[scores + row];
    if (params.pools_max != 0u) { total = kerf_max(total, score); } else { total += score; }
  }
  if (params.pools_max != 0u) { return total; }
  return total / f32(params.pool_width);
}

/* One work group: WORKGROUP rows of one KV head, a row a thread. */
@compute @workgroup_size(WORKGROUP)
fn pool_scores(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_blocks = (params.max_rows + WORKGROUP - 1u) / WORKGROUP;
  if (item >= params.n_kv_heads * n_blocks) { return; }
  let kv_head = item / n_blocks;
  let row = item % n_blocks * WORKGROUP + lane;
  let n_rows = cuts_buf[4u * (params.layer * params.n_kv_heads + kv_head) + 1u];
  let begin = params.protect_first;
  if (row < begin || row + params.protect_last >= n_rows) { return; }

  let end = n_rows - params.protect_last;
  let reach = params.pool_width / 2u;
  let first = max(row, begin + reach) - reach;
  let last = min(row + reach + 1u, end);
  let sources = kv_head * params.source_step * params.max_rows;
  var total = 0.0;
  for (var i = 0u; i < params.n_sources; i++) {
    let pooled = meet(sources + i * params.max_rows, first, last);
    if (i == 0u) {
      total = pooled;
    } else if (params.takes_max != 0u) {
      total = kerf_max(total, pooled);
    } else {
      total += pooled;
    }
  }
  if (params.takes_max == 0u) { total = total / f32(params.n_sources); }
  token_scores_buf[kv_head * params.max_rows + row] = total;
}
