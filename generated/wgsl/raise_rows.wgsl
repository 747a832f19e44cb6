/*
 * Gives rows that a head keeps before heads share their budgets the largest score there is.
 *
 * Generated from kernels/ops/raise_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_kv_heads: u32,
  max_rows: u32, /* rows of the longest head */
}

@group(0) @binding(0) var<storage, read> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(1) var<storage, read> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(2) var<storage, read_write> token_scores_buf: array<f32>; /* f32 [nKvHeads, max_rows] */
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 128u;

const LARGEST = 3.4028234e38;

/* One work group: one KV head. */
@compute @workgroup_size(WORKGROUP)
fn raise_rows(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let n_kept = kept_counts_buf[2u * (params.layer * params.n_kv_heads + kv_head) + 1u];
  let scores = kv_head * params.max_rows;
  for (var i = lane; i < n_kept;
      i += WORKGROUP) { token_scores_buf[scores + kept_buf[scores + i]] = LARGEST; }
}
