/*
 * Drops key channels at random, by a seed: the baseline that any score must beat.
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/prune/random_channels.ts by `deno task gen`. Do not edit.
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
  seed: i32, /* of the random numbers */
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

/* One work group: every SLICES-th channel of one KV head; its threads share the rows. */
@compute @workgroup_size(WORKGROUP)
fn channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= params.n_kv_heads * SLICES) { return; }
  let kv_head = item / SLICES;
  let layer = params.slot * params.n_layers + params.layer;
  let place = layer * params.n_kv_heads + kv_head;
  let layer_index = i32(params.layer);
  let kv_head_index = i32(kv_head);
  // src/dsl/bits.ts:21
  let index: i32 = params.seed ^ (layer_index * i32(0x9e3779b1u))
      ^ (kv_head_index * i32(0x85ebca6bu));

  // generated/wgsl/channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1.wgsl:54
  for (var c = item % SLICES; c < HEAD_DIM; c += SLICES) {
    let channel = i32(c);

    var total = 0.0;
    for (var g = 0u; g < GROUP; g++) {
      // src/dsl/bits.ts:21
      let x0: i32 = index ^ (channel * i32(0xc2b2ae35u));
      // src/dsl/bits.ts:23
      let x1: i32 = (x0 ^ i32(u32(x0) >> 16u)) * 0x21f0aaad;
      let x2: i32 = (x1 ^ i32(u32(x1) >> 15u)) * 0x735a2d97;
      let x3: i32 = x2 ^ i32(u32(x2) >> 15u);
      let score: f32 = f32(i32(u32(x3) >> 8u) & 0xffffff) / 16777216.0;
      // generated/wgsl/channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1.wgsl:67
      total += score;
    }
    if (lane == 0u) { scores_buf[place * HEAD_DIM + c] = total / f32(GROUP); }
  }
}
