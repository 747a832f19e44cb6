/*
 * ThinK's question asked further: not which key channels to drop but how many bits each is worth, and not which
 * rows to evict but which keep their values in more bits. A channel's error shows in the logits as large as its
 * queries are: channels get 0, 2 or 4 bits where these errors, by their rows' scores, sum to the least at `keys`
 * bits a channel and row, scales included; without bits a channel reads as its mean. The share `high` of the rows
 * that the last queries attend to most has values of 4 bits, the others of 2; below a budget of 0.11 of 2 and of
 * none, which read as their mean. Each has bits of channels of its own. `budget` splits itself; only rows that are
 * coded count. Costs two passes over the keys that are coded and a softmax of the window. What the window does not
 * ask for is only coarser; below 0.12 needles get lost. `turned=1` codes values in a Hadamard basis, which is worth
 * up to a quarter; heads must have 2ⁿ channels.
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/prune/think_bits.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  key_page: u32, /* first page entry of the last segment of keys */
  window: u32, /* places of the ring */
  n_window: u32, /* queries in it */
}

@group(0) @binding(0) var<storage, read> q_ring_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
@group(0) @binding(1) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 12] */
@group(0) @binding(3) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(4) var<storage, read_write> scores_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 128u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const HEAD_FIELDS = 12u; /* rows and width of every segment */
const SLICES = 16u; /* work groups that share the channels of a head */

var<workgroup> mean_square_q_lanes_shared: array<f32, WORKGROUP>;

/* One work group: every SLICES-th channel of one KV head; its threads share the rows. */
@compute @workgroup_size(WORKGROUP)
fn channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= params.n_kv_heads * SLICES) { return; }
  let kv_head = item / SLICES;
  let layer = params.slot * params.n_layers + params.layer;
  let place = layer * params.n_kv_heads + kv_head;
  let query_count = f32(params.n_window);

  for (var c = item % SLICES; c < HEAD_DIM; c += SLICES) {
    var total = 0.0;
    for (var g = 0u; g < GROUP; g++) {
      let head = layer * params.n_heads + kv_head * GROUP + g;
      var mean_square_q_lanes: f32 = 0.0;
      for (var query = lane; query < params.n_window; query += WORKGROUP) {
        let x = q_ring_buf[(head * params.window + query) * HEAD_DIM + c];

        mean_square_q_lanes = mean_square_q_lanes + x * x;
      }
      mean_square_q_lanes_shared[lane] = mean_square_q_lanes;
      workgroupBarrier();
      for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
          mean_square_q_lanes_shared[lane] = mean_square_q_lanes_shared[lane]
              + mean_square_q_lanes_shared[lane + half];
        }
        workgroupBarrier();
      }
      mean_square_q_lanes = mean_square_q_lanes_shared[0];
      workgroupBarrier();
      // src/dsl/reductions.ts:41
      let mean_square_q: f32 = mean_square_q_lanes / query_count;

      // generated/wgsl/channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1.wgsl:83
      total += mean_square_q;
    }
    if (lane == 0u) { scores_buf[place * HEAD_DIM + c] = total / f32(GROUP); }
  }
}
