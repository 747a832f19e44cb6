/*
 * ThinK with widths that the scores decide: of each head as few key channels stay as hold the share `mass` of
 * all scores, so heads whose logits rest on few channels store few. Costs as ThinK does. How much it saves is
 * known only once the prompt is read: `ratio` of the channels leave in any case, and forecasts count no more.
 * At equal bytes it is not told apart from ThinK on the default model (0.98: as ThinK's 0.5).
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/prune/think_mass.ts by `deno task gen`. Do not edit.
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
@group(0) @binding(2) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 6] */
@group(0) @binding(3) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(4) var<storage, read_write> scores_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 128u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const HEAD_FIELDS = 6u; /* rows and width of every segment */
const SLICES = 16u; /* work groups that share the channels of a head */

var<workgroup> mean_square_k_lanes_shared: array<f32, WORKGROUP>;
var<workgroup> mean_square_q_lanes_shared: array<f32, WORKGROUP>;

/* One channel of one key; `pages` is the first entry of the segment, which is channel-major by 16 rows. */
fn key_element(pages: u32, row: u32, channel: u32) -> f32 {
  let page = pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS;
  let in_page = row % PAGE_ROWS;
  let at = in_page / 16u * 16u * HEAD_DIM + channel * 16u + in_page % 16u;
  return unpack2x16float(arena_buf[page + at / 2u])[at % 2u];
}

/* One work group: every SLICES-th channel of one KV head; its threads share the rows. */
@compute @workgroup_size(WORKGROUP)
fn channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= params.n_kv_heads * SLICES) { return; }
  let kv_head = item / SLICES;
  let layer = params.slot * params.n_layers + params.layer;
  let place = layer * params.n_kv_heads + kv_head;
  let pages = place * params.page_entries + params.key_page;
  let n_keys = heads_buf[place * HEAD_FIELDS + 2u];
  let key_count = f32(n_keys);
  let query_count = f32(params.n_window);

  for (var c = item % SLICES; c < HEAD_DIM; c += SLICES) {
    var mean_square_k_lanes: f32 = 0.0;
    for (var row = lane; row < n_keys; row += WORKGROUP) {
      let x = key_element(pages, row, c);

      mean_square_k_lanes = mean_square_k_lanes + x * x;
    }
    mean_square_k_lanes_shared[lane] = mean_square_k_lanes;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
      if (lane < half) {
        mean_square_k_lanes_shared[lane] = mean_square_k_lanes_shared[lane]
            + mean_square_k_lanes_shared[lane + half];
      }
      workgroupBarrier();
    }
    mean_square_k_lanes = mean_square_k_lanes_shared[0];
    workgroupBarrier();
    // src/dsl/reductions.ts:41
    let mean_square_k: f32 = mean_square_k_lanes / key_count;

    // generated/wgsl/channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1.wgsl:87
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

      // kernels/prune/think_mass.ts:24
      let score: f32 = mean_square_q * mean_square_k;
      // generated/wgsl/channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1.wgsl:113
      total += score;
    }
    if (lane == 0u) { scores_buf[place * HEAD_DIM + c] = total / f32(GROUP); }
  }
}
