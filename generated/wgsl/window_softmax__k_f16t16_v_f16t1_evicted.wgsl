/*
 * The softmax of the last `n_window` queries over every row of a layer, causal by true positions: per query
 * the largest logit and the sum of e^(logit − largest). Zero rows to see give a sum of 0.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/ops/window_softmax.ts by `deno task gen`. Do not edit.
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
  key_page_0: u32, /* the segment's first page entry */
  value_page_0: u32,
}

@group(0) @binding(0) var<storage, read> q_ring_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
@group(0) @binding(1) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
@group(0) @binding(3) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(4) var<storage, read_write> window_sums_buf: array<f32>; /* f32 [nHeads, n_window, 2] */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

/* The logit of a key that is not seen, and the largest of none: WGSL has no infinities. */
const MASKED = -1e30;

const PAGE_ROWS = 128u; /* rows of a page */
const TILE_ROWS = 16u; /* rows of a tile of keys */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const KEY_SEGMENTS = 1u;
const HEAD_FIELDS = 4u; /* rows and width of every segment */

/* One KV head: its place in pages, heads and channels, and its rows. */
struct KvRows {
  place: u32,
  n_rows: u32,
}

/* One key: the element of the arena that holds its first channel; the next is TILE_ROWS on. */
struct KeyRow {
  first: u32,
  width: u32,
}

fn rows_of(kv_head: u32) -> KvRows {
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  var n_rows = 0u;
  for (var segment = 0u; segment < KEY_SEGMENTS; segment++) {
    n_rows += heads_buf[place * HEAD_FIELDS + 2u * segment];
  }
  return KvRows(place, n_rows);
}

/* A row of a segment of keys, whose first page entry is `page`. */
fn key_of(kv: KvRows, page: u32, row: u32, width: u32) -> KeyRow {
  let start = pages_buf[kv.place * params.page_entries + page + row / PAGE_ROWS] * UNIT_WORDS * 2u;
  let in_page = row % PAGE_ROWS;
  return KeyRow(start + in_page / TILE_ROWS * TILE_ROWS * width + in_page % TILE_ROWS, width);
}

/* The key of row `place`, which counts rows of all segments in order. */
fn key_at(kv: KvRows, place: u32) -> KeyRow {
  return key_of(kv, params.key_page_0, place, HEAD_DIM);
}

/* Channel c of a key as stored, c counting those that are. */
fn stored_channel(key: KeyRow, c: u32) -> f32 {
  let at = key.first + c * TILE_ROWS;
  return unpack2x16float(arena_buf[at / 2u])[at % 2u];
}

/* The word of the arena where the page of values begins that holds a row, at its head the positions. */
fn value_page(kv: KvRows, place: u32) -> u32 {
  return pages_buf[kv.place * params.page_entries + params.value_page_0 + place / PAGE_ROWS]
      * UNIT_WORDS;
}
fn position_of(kv: KvRows, place: u32) -> i32 {
  return i32(arena_buf[value_page(kv, place) + place % PAGE_ROWS]);
}

var<workgroup> q: array<f32, HEAD_DIM>;
/* Of each thread: the largest logit, and the sum of e^(logit - largest). */
var<workgroup> softmaxes: array<vec2<f32>, WORKGROUP>;

fn merged(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let largest = max(a.x, b.x);
  return vec2<f32>(largest, a.y * kerf_exp(a.x - largest) + b.y * kerf_exp(b.x - largest));
}

/* One work group: one query. Each thread has every WORKGROUP-th row; their softmaxes meet in a tree. */
@compute @workgroup_size(WORKGROUP)
fn window_softmax__k_f16t16_v_f16t1_evicted(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= params.n_heads * params.n_window) { return; }
  let head = item / params.n_window;
  let query_position = params.n_tokens - params.n_window + item % params.n_window;
  let kv = rows_of(head / GROUP);
  let layer = params.slot * params.n_layers + params.layer;
  let ring = ((layer * params.n_heads + head) * params.window + query_position % params.window)
      * HEAD_DIM;
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) { q[c] = q_ring_buf[ring + c]; }
  workgroupBarrier();

  var softmax = vec2<f32>(MASKED, 0.0);
  for (var row = lane; row < kv.n_rows; row += WORKGROUP) {
    if (position_of(kv, row) <= i32(query_position)) {
      let key = key_at(kv, row);
      var product = 0.0;
      for (var channel = 0u; channel < key.width; channel++) {
        product = fma(q[channel], stored_channel(key, channel), product);
      }

      softmax = merged(softmax, vec2<f32>(product * params.scale, 1.0));
    }
  }
  softmaxes[lane] = softmax;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { softmaxes[lane] = merged(softmaxes[lane], softmaxes[lane + half]); }
    workgroupBarrier();
  }
  if (lane == 0u) {
    window_sums_buf[2u * item] = softmaxes[0].x;
    window_sums_buf[2u * item + 1u] = softmaxes[0].y;
  }
}
