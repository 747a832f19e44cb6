/*
 * Lowers a KV head's count to the candidates of at least a score, and at least to what it keeps in any case.
 * The count is the protected ones and those.
 *
 * Generated from kernels/ops/count_above.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_kv_heads: u32,
  first_list: u32, /* the list of KV head 0 */
  lowest: f32, /* the lowest score that stays */
  relative: u32, /* lowest is in parts of the largest score */
  least: u32, /* what a head keeps in any case */
  multiple: u32, /* what counts are rounded up to */
  protect_first: u32,
  protect_last: u32,
  max_rows: u32, /* scores of a list */
}

@group(0) @binding(0) var<storage, read> candidate_scores_buf: array<f32>; /* f32 [nLists, max_rows] */
@group(0) @binding(1) var<storage, read_write> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 256u;

var<workgroup> largest_order: atomic<u32>;
var<workgroup> n_above: atomic<u32>; /* scores that are no lower than the lowest that stays */

/* The rows of one KV head that may go, as places of `candidate_scores`: `begin` … `end` − 1. */
struct Candidates {
  begin: u32,
  end: u32,
}

fn candidates_of(kv_head: u32, n_rows: u32) -> Candidates {
  let scores = (params.first_list + kv_head) * params.max_rows;
  return Candidates(scores + params.protect_first, scores + n_rows - params.protect_last);
}

/* Into `largest_order`, which is 0. */
fn find_largest(rows: Candidates, lane: u32) {
  var largest = 0u;
  for (var i = rows.begin + lane; i < rows.end; i += WORKGROUP) {
    largest = max(largest, kerf_order(candidate_scores_buf[i]));
  }
  atomicMax(&largest_order, largest);
  workgroupBarrier();
}

/* The score of an order. */
fn score_of(order: u32) -> f32 {
  return bitcast<f32>(select(~order, order & 0x7fffffffu, order >= 0x80000000u));
}

/* How many scores are no lower than the lowest that stays; what is no number is. */
fn count_candidates(rows: Candidates, lane: u32) {
  find_largest(rows, lane);
  let relative = params.lowest * score_of(atomicLoad(&largest_order));
  let order = max(1u, kerf_order(select(params.lowest, relative, params.relative != 0u)));
  var n = 0u;
  for (var i = rows.begin + lane; i < rows.end; i += WORKGROUP) {
    n += u32(kerf_order(candidate_scores_buf[i]) >= order);
  }
  atomicAdd(&n_above, n);
  workgroupBarrier();
}

/* One work group: one KV head, whose count becomes no larger than it was. */
@compute @workgroup_size(WORKGROUP)
fn count_above(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let cut = 4u * (params.layer * params.n_kv_heads + kv_head);
  let n_rows = cuts_buf[cut + 1u];
  let n_protected = params.protect_first + params.protect_last;
  /* Without a candidate nothing is counted; barriers stay where every thread meets them. */
  let none = n_rows <= n_protected;
  let candidates = candidates_of(kv_head, max(n_rows, n_protected));
  count_candidates(candidates, lane);
  if (lane == 0u && !none) {
    let n = max(n_protected + atomicLoad(&n_above), params.least);
    let rounded = (n + params.multiple - 1u) / params.multiple * params.multiple;
    cuts_buf[cut + 2u] = min(cuts_buf[cut + 2u], rounded);
  }
}
