/*
 * ThinK for values: drops the value channels that the last queries get least out of. A channel's share of
 * attention's output is softmax(q·kᵀ/√headDim)·v_j over those queries; its square, averaged over the group's
 * heads, ranks as the norm of all of them. Missing channels read as zero. Costs one attention of the window
 * over the prompt. Hurts more than dropping keys: 0.5 costs 1.7 times think's divergence at 0.5.
 * Scores of every value channel of one layer's KV heads; higher keeps.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/prune/think_values.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
  n_window: u32, /* queries of the window */
}

@group(0) @binding(0) var<storage, read> outputs_buf: array<f32>; /* f32 [nHeads, n_window, headDim] */
@group(0) @binding(1) var<storage, read_write> scores_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

/* One work group: the channels of one KV head, one per thread; queries in order. */
@compute @workgroup_size(WORKGROUP)
fn channel_scores_think_values(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  let query_count = f32(params.n_window);

  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    var total = 0.0;
    for (var g = 0u; g < GROUP; g++) {
      var mean_square_q_lanes: f32 = 0.0;
      let outputs = (kv_head * GROUP + g) * params.n_window * HEAD_DIM + c;
      for (var query = 0u; query < params.n_window; query++) {
        let x = outputs_buf[outputs + query * HEAD_DIM];

        mean_square_q_lanes = mean_square_q_lanes + x * x;
      }
      // src/dsl/reductions.ts:41
      let mean_square_q: f32 = mean_square_q_lanes / query_count;

      // generated/wgsl/channel_scores_think_values.wgsl:51
      total += mean_square_q;
    }
    scores_buf[place * HEAD_DIM + c] = total / f32(GROUP);
  }
}
