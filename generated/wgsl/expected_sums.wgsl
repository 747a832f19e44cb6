/*
 * The softmax of each query head's expected logits over the rows behind the first protected ones: the largest
 * logit, the sum of e^(logit − largest).
 *
 * Generated from kernels/ops/expected_sums.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_heads: u32,
  n_kv_heads: u32,
  protect_first: u32,
  max_rows: u32, /* rows of the longest head */
}

@group(0) @binding(0) var<storage, read> expected_logits_buf: array<f32>; /* f32 [nHeads, max_rows] */
@group(0) @binding(1) var<storage, read> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(2) var<storage, read_write> expected_sums_buf: array<f32>; /* f32 [nHeads, 2] */
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 128u;

/* The logit of a key that is not seen, and the largest of none: WGSL has no infinities. */
const MASKED = -1e30;

var<workgroup> lanes: array<f32, WORKGROUP>;

/* One work group: one query head. Each thread has every WORKGROUP-th row; they meet in a tree. */
@compute @workgroup_size(WORKGROUP)
fn expected_sums(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let head = kerf_item(group, groups);
  if (head >= params.n_heads) { return; }
  let kv_head = head / (params.n_heads / params.n_kv_heads);
  let n_rows = cuts_buf[4u * (params.layer * params.n_kv_heads + kv_head) + 1u];
  let logits = head * params.max_rows;
  lanes[lane] = MASKED;
  for (var row = params.protect_first + lane; row < n_rows; row += WORKGROUP) {
    lanes[lane] = max(lanes[lane], expected_logits_buf[logits + row]);
  }
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { lanes[lane] = max(lanes[lane], lanes[lane + half]); }
    workgroupBarrier();
  }
  let largest = lanes[0];
  workgroupBarrier();
  lanes[lane] = 0.0;
  for (var row = params.protect_first + lane; row < n_rows; row += WORKGROUP) {
    lanes[lane] += kerf_exp(expected_logits_buf[logits + row] - largest);
  }
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { lanes[lane] += lanes[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) {
    expected_sums_buf[2u * head] = largest;
    expected_sums_buf[2u * head + 1u] = lanes[0];
  }
}
