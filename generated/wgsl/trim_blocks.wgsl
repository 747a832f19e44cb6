/*
 * Leaves out the rows of a block that was chosen in part: the last one that the budget reached. A head that
 * has nothing else keeps them.
 *
 * Generated from kernels/ops/trim_blocks.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_kv_heads: u32,
  protect_first: u32,
  protect_last: u32,
  max_rows: u32, /* rows of the longest head */
}

@group(0) @binding(0) var<storage, read> block_starts_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(1) var<storage, read> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(2) var<storage, read_write> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(3) var<storage, read_write> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 128u;

var<workgroup> cut_end: atomic<u32>; /* the place in the list behind the cut block; 0: none is cut */

/* One work group: one KV head. */
@compute @workgroup_size(WORKGROUP)
fn trim_blocks(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let place = params.layer * params.n_kv_heads + kv_head;
  let n_listed = cuts_buf[4u * place];
  let n_rows = cuts_buf[4u * place + 1u];
  let list = kv_head * params.max_rows;
  let n_kept = kept_counts_buf[2u * place + 1u];
  for (var i = lane; i < n_kept; i += WORKGROUP) {
    let row = kept_buf[list + i];
    let next = row + 1u;
    if (row < params.protect_first || next + params.protect_last >= n_rows) { continue; }
    let goes_on = i + 1u < n_kept && kept_buf[list + i + 1u] == next;
    if (block_starts_buf[list + next] == block_starts_buf[list + row]
        && !goes_on) { atomicStore(&cut_end, i + 1u); }
  }
  workgroupBarrier();

  /* Ties keep the lower row: of the block all are there up to its last one. */
  let end = atomicLoad(&cut_end);
  var start = 0u;
  var n_cut = 0u;
  if (end > 0u) {
    let row = kept_buf[list + end - 1u];
    start = block_starts_buf[list + row];
    n_cut = row + 1u - start;
  }
  let trims = n_cut > 0u && n_cut < n_kept;
  storageBarrier();
  /* As many rounds as the longest list may take, so that all threads meet at each barrier. */
  for (var first = 0u; first < params.max_rows; first += WORKGROUP) {
    let i = end + first + lane;
    let moves = trims && i < n_kept;
    var moved = 0u;
    if (moves) { moved = kept_buf[list + i]; }
    storageBarrier();
    if (moves) { kept_buf[list + i - n_cut] = moved; }
    storageBarrier();
  }
  if (lane == 0u && trims) {
    kept_counts_buf[2u * place + 1u] = n_kept - n_cut;
    kept_counts_buf[2u * place] -= min(n_listed - min(n_listed, start), n_cut);
  }
}
