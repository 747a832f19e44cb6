/*
 * What attention makes for the last `n_window` queries over every row of a layer, before any of them loses a
 * channel: causal by true positions, without the variant's score and mask. f32 [nHeads, n_window, headDim].
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/ops/window_outputs.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  window: u32, /* places of the ring */
  n_window: u32, /* queries in it */
  n_tokens: u32, /* position after the last query */
  scale: f32, /* 1 / √headDim */
  key_page: u32, /* first page entry of the last segment of keys */
  value_page: u32, /* first page entry of the last segment of values */
}

@group(0) @binding(0) var<storage, read> q_ring_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
@group(0) @binding(1) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
@group(0) @binding(3) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(4) var<storage, read_write> outputs_buf: array<f32>; /* f32 [nHeads, n_window, headDim] */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

/* The logit of a key that is not seen, and the largest of none: WGSL has no infinities. */
const MASKED = -1e30;

const PAGE_ROWS = 128u; /* rows of a page */
const TILE_ROWS = 16u; /* rows of a tile of keys */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const HEAD_FIELDS = 6u; /* rows and width of every segment */
const CHANNELS = (HEAD_DIM + WORKGROUP - 1u) / WORKGROUP; /* of a thread */

var<workgroup> q: array<f32, HEAD_DIM>;
var<workgroup> logits: array<f32, WORKGROUP>;
var<workgroup> weights: array<f32, WORKGROUP>;

/* Channel c of a row's key and value; `pages` is the head's first entry. */
fn key_element(pages: u32, row: u32, c: u32) -> f32 {
  let page = pages_buf[pages + params.key_page + row / PAGE_ROWS] * UNIT_WORDS;
  let in_page = row % PAGE_ROWS;
  let at = in_page / TILE_ROWS * TILE_ROWS * HEAD_DIM + c * TILE_ROWS + in_page % TILE_ROWS;
  return unpack2x16float(arena_buf[page + at / 2u])[at % 2u];
}
fn value_element(pages: u32, row: u32, c: u32) -> f32 {
  let page = pages_buf[pages + params.value_page + row / PAGE_ROWS] * UNIT_WORDS;
  let at = row % PAGE_ROWS * HEAD_DIM + c;
  return unpack2x16float(arena_buf[page + at / 2u])[at % 2u];
}

/* One work group: one query of one head. Each thread weighs a row of WORKGROUP, then sums a channel over them. */
@compute @workgroup_size(WORKGROUP)
fn window_outputs__k_f16t16_v_list_f16t1_f16t1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= params.n_heads * params.n_window) { return; }
  let head = item / params.n_window;
  let query_position = params.n_tokens - params.n_window + item % params.n_window;
  let layer = params.slot * params.n_layers + params.layer;
  let place = layer * params.n_kv_heads + head / GROUP;
  let pages = place * params.page_entries;
  let n_rows = heads_buf[place * HEAD_FIELDS + 4u];
  let ring = ((layer * params.n_heads + head) * params.window + query_position % params.window)
      * HEAD_DIM;
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) { q[c] = q_ring_buf[ring + c]; }
  workgroupBarrier();

  var largest = MASKED;
  var sum = 0.0;
  var values: array<f32, CHANNELS>;
  for (var first = 0u; first < n_rows; first += WORKGROUP) {
    let row = first + lane;
    let n = min(n_rows - first, WORKGROUP);
    var logit = MASKED;
    if (row < n_rows) {
      let row_position = i32(row);
      if (row_position <= i32(query_position)) {
        var product = 0.0;
        for (var c = 0u; c < HEAD_DIM;
            c++) { product = fma(q[c], key_element(pages, row, c), product); }
        logit = product * params.scale;
      }
    }
    logits[lane] = logit;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
      if (lane < half) { logits[lane] = max(logits[lane], logits[lane + half]); }
      workgroupBarrier();
    }
    let top = max(largest, logits[0]);
    weights[lane] = select(kerf_exp(logit - top), 0.0, logit == MASKED);
    workgroupBarrier();
    let scale = kerf_exp(largest - top);
    sum *= scale;
    for (var i = 0u; i < n; i++) { sum += weights[i]; }
    for (var j = 0u; j < CHANNELS; j++) {
      let c = lane + j * WORKGROUP;
      if (c < HEAD_DIM) {
        values[j] *= scale;
        for (var i = 0u; i < n;
            i++) { values[j] = fma(weights[i], value_element(pages, first + i, c), values[j]); }
      }
    }
    largest = top;
    workgroupBarrier();
  }
  for (var j = 0u; j < CHANNELS; j++) {
    let c = lane + j * WORKGROUP;
    /* Zeros when no key was seen. */
    if (c < HEAD_DIM) { outputs_buf[item * HEAD_DIM + c] = select(values[j] / sum, 0.0, sum == 0.0);
        }
  }
}
