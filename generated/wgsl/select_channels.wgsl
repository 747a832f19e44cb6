/*
 * Keeps the channels of the highest scores: `widths` of them per KV head, in ascending order; equal
 * scores keep the lower channel.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/select_channels.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
}

@group(0) @binding(0) var<storage, read> scores_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(1) var<storage, read> widths_buf: array<u32>; /* u32 [nLayers, nKvHeads] */
@group(0) @binding(2) var<storage, read_write> channels_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

var<workgroup> order: array<u32, HEAD_DIM>;
var<workgroup> kept: array<u32, HEAD_DIM>;

/* The order of a negative infinity, which what is no number shares. */
const LOWEST = 0x007fffffu;

/* One work group: one KV head, a channel per thread. */
@compute @workgroup_size(WORKGROUP)
fn select_channels(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let place = ((params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head)
      * HEAD_DIM;
  let width = widths_buf[params.layer * params.n_kv_heads + kv_head];

  for (var c = lane; c < HEAD_DIM;
      c += WORKGROUP) { order[c] = max(kerf_order(scores_buf[place + c]), LOWEST); }
  workgroupBarrier();
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    /* Channels that come before c in the order of scores, equal ones by index. */
    var rank = 0u;
    for (var other = 0u; other < HEAD_DIM; other++) {
      rank += u32(order[other] > order[c] || (order[other] == order[c] && other < c));
    }
    kept[c] = u32(rank < width);
  }
  workgroupBarrier();
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    if (kept[c] == 1u) {
      var n_before = 0u;
      for (var other = 0u; other < c; other++) { n_before += kept[other]; }
      channels_buf[place + n_before] = c;
    }
  }
}
