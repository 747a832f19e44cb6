/*
 * An order of rows in two classes: those that were chosen, then the others, each ascending. `cuts` says how
 * many rows there are; the first ones, which are chosen whatever their score, are in neither class.
 *
 * Generated from kernels/ops/order_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_kv_heads: u32,
  protect_first: u32,
  max_rows: u32, /* rows of the longest order */
}

@group(0) @binding(0) var<storage, read> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(1) var<storage, read> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(2) var<storage, read> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(3) var<storage, read_write> order_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 64u;

/* How many of n ascending rows of `kept`, the first at `start`, come before `row`. */
fn count_before(start: u32, n: u32, row: u32) -> u32 {
  var first = 0u;
  var end = n;
  while (first < end) {
    let middle = (first + end) / 2u;
    if (kept_buf[start + middle] < row) {
      first = middle + 1u;
    } else {
      end = middle;
    }
  }
  return first;
}

/* One work group: one KV head, a row a thread. */
@compute @workgroup_size(WORKGROUP)
fn order_rows(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let place = params.layer * params.n_kv_heads + kv_head;
  let n_rows = cuts_buf[4u * place + 1u];
  let begin = params.protect_first;
  let n_chosen = kept_counts_buf[2u * place + 1u] - begin; /* read where rows are left */
  let start = kv_head * params.max_rows;
  for (var row = begin + lane; row < n_rows; row += WORKGROUP) {
    let before = count_before(start + begin, n_chosen, row);
    let is_chosen = before < n_chosen && kept_buf[start + begin + before] == row;
    order_buf[start + select(n_chosen + row - begin - before, before, is_chosen)] = row;
  }
}
