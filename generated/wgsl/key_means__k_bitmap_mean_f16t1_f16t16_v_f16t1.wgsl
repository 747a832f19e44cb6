/*
 * The mean of every channel over a layer's whole keys, rounded to f16: what it reads as where a row lacks it.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/key_means.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  key_page: u32, /* first page entry of the last segment of keys */
}

@group(0) @binding(0) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
@group(0) @binding(2) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(3) var<storage, read_write> fills_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 128u;

const PAGE_ROWS = 128u; /* rows of a page */
const TILE_ROWS = 16u; /* rows of a tile of keys */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const HEAD_FIELDS = 6u; /* rows and width of every segment */
const CHANNELS = WORKGROUP / TILE_ROWS; /* that are summed side by side */
const_assert HEAD_DIM % CHANNELS == 0u;

var<workgroup> sums: array<f32, WORKGROUP>;

/* One work group: one KV head. Sixteen threads share a channel, a row of each tile each. */
@compute @workgroup_size(WORKGROUP)
fn key_means__k_bitmap_mean_f16t1_f16t16_v_f16t1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  let pages = place * params.page_entries + params.key_page;
  let n_rows = heads_buf[place * HEAD_FIELDS + 2u];
  let row_lane = lane % TILE_ROWS;
  for (var first = 0u; first < HEAD_DIM; first += CHANNELS) {
    let c = first + lane / TILE_ROWS;
    var sum = 0.0;
    for (var row = row_lane; row < n_rows; row += TILE_ROWS) {
      let page = pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS;
      let at = row % PAGE_ROWS / TILE_ROWS * TILE_ROWS * HEAD_DIM + c * TILE_ROWS + row_lane;
      sum += unpack2x16float(arena_buf[page + at / 2u])[at % 2u];
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var half = TILE_ROWS / 2u; half > 0u; half /= 2u) {
      if (row_lane < half) { sums[lane] += sums[lane + half]; }
      workgroupBarrier();
    }
    if (row_lane == 0u) {
      let mean = select(sums[lane] / f32(n_rows), 0.0, n_rows == 0u);
      fills_buf[place * HEAD_DIM + c] = unpack2x16float(kerf_f16_bits(mean)).x;
    }
    workgroupBarrier();
  }
}
