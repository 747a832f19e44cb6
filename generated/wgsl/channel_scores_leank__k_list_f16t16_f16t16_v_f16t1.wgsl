/*
 * LeanK: every head keeps a number of key channels of its own, the same ones for every prompt. Both come from
 * a file, which `deno task calibrate` makes from the scores of another variant over a text; the paper learns
 * them. Nothing is scored when a prompt ends, and its first tokens need not be there. What a file does not
 * know of a prompt is lost; what each head needs it knows better than think: at 75 % of the bytes divergence
 * was 0.048 beside 0.058 on chapters of the book whose first one was the text (bench/results).
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/prune/leank.ts by `deno task gen`. Do not edit.
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
@group(0) @binding(4) var<storage, read> importance_buf: array<f32>; /* f32 [nLayers, nKvHeads, headDim] */
@group(0) @binding(5) var<storage, read_write> scores_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 128u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const HEAD_FIELDS = 6u; /* rows and width of every segment */
const SLICES = 16u; /* work groups that share the channels of a head */

/* One work group: every SLICES-th channel of one KV head; its threads share the rows. */
@compute @workgroup_size(WORKGROUP)
fn channel_scores_leank__k_list_f16t16_f16t16_v_f16t1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= params.n_kv_heads * SLICES) { return; }
  let kv_head = item / SLICES;
  let layer = params.slot * params.n_layers + params.layer;
  let place = layer * params.n_kv_heads + kv_head;
  let layer_index = i32(params.layer);
  let kv_head_index = i32(kv_head);

  for (var c = item % SLICES; c < HEAD_DIM; c += SLICES) {
    let channel = i32(c);

    var total = 0.0;
    for (var g = 0u; g < GROUP; g++) {
      // kernels/prune/leank.ts:27
      let score: f32 = importance_buf[(layer_index * i32(params.n_kv_heads) + kv_head_index)
          * i32(HEAD_DIM) + channel];
      // generated/wgsl/channel_scores_leank__k_list_f16t16_f16t16_v_f16t1.wgsl:63
      total += score;
    }
    if (lane == 0u) { scores_buf[place * HEAD_DIM + c] = total / f32(GROUP); }
  }
}
