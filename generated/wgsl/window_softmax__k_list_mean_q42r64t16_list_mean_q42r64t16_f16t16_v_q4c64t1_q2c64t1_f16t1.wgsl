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
  key_page_1: u32, /* the segment's first page entry */
  key_page_2: u32, /* the segment's first page entry */
  value_page_0: u32,
  value_page_1: u32,
  value_page_2: u32,
}

@group(0) @binding(0) var<storage, read> q_ring_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
@group(0) @binding(1) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
@group(0) @binding(3) var<storage, read> channels_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(4) var<storage, read> fills_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(5) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(6) var<storage, read_write> window_sums_buf: array<f32>; /* f32 [nHeads, n_window, 2] */
@group(0) @binding(7) var<uniform> params: Params;

const WORKGROUP = 64u;

/* The logit of a key that is not seen, and the largest of none: WGSL has no infinities. */
const MASKED = -1e30;

const PAGE_ROWS = 128u; /* rows of a page */
const TILE_ROWS = 16u; /* rows of a tile of keys */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const KEY_SEGMENTS = 3u;
const KEY_LISTS = KEY_SEGMENTS - 1u; /* of channels: one for each coded segment */
const HEAD_FIELDS = 12u; /* rows and width of every segment */

/* One KV head: its place in pages, heads and channels, and its rows. */
struct KvRows {
  place: u32,
  n_rows: u32,
}

/* One key: the element of the arena that holds its first channel; the next is TILE_ROWS on. */
struct KeyRow {
  first: u32,
  width: u32,
  listed: bool,
  coded: bool,
  unit: u32, /* of a coded key: the word where the codes begin that share scales with its */
  in_unit: u32,
  n_stored: u32, /* channels of a coded key with bits, then those of them of the first class */
  n_high: u32,
  list: u32, /* where its list begins in channels and fills */
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
fn key_of(kv: KvRows, page: u32, row: u32, width: u32, listed: bool) -> KeyRow {
  let start = pages_buf[kv.place * params.page_entries + page + row / PAGE_ROWS] * UNIT_WORDS * 2u;
  let in_page = row % PAGE_ROWS;
  return KeyRow(start + in_page / TILE_ROWS * TILE_ROWS * width + in_page % TILE_ROWS, width,
      listed, false, 0u, 0u, 0u, 0u, 0u);
}

/* A row of the coded segment of a list, `word` its channels with bits and those of the first class. */
fn coded_key_of(kv: KvRows, list: u32, page: u32, row: u32, word: u32) -> KeyRow {
  let start = pages_buf[kv.place * params.page_entries + page + row / PAGE_ROWS] * UNIT_WORDS;
  let in_page = row % PAGE_ROWS;
  let n_stored = word & 0xffffu;
  let n_high = word >> 16u;
  let unit_words = n_high * (64u * 4u / 32u) + (n_stored - n_high) * (64u * 2u / 32u) + n_stored;
  let unit = start + in_page / 64u * unit_words;
  return KeyRow(0u, HEAD_DIM, true, true, unit, in_page % 64u, n_stored, n_high,
      (kv.place * KEY_LISTS + list) * HEAD_DIM);
}

/* The key of row `place`, which counts rows of all segments in order. */
fn key_at(kv: KvRows, place: u32) -> KeyRow {
  var row = place;
  let rows_0 = heads_buf[kv.place * HEAD_FIELDS + 0u];
  if (row < rows_0) {
    return coded_key_of(kv, 0u, params.key_page_0, row, heads_buf[kv.place * HEAD_FIELDS + 1u]);
  }
  row -= rows_0;
  let rows_1 = heads_buf[kv.place * HEAD_FIELDS + 2u];
  if (row < rows_1) {
    return coded_key_of(kv, 1u, params.key_page_1, row, heads_buf[kv.place * HEAD_FIELDS + 3u]);
  }
  row -= rows_1;
  return key_of(kv, params.key_page_2, row, HEAD_DIM, false);
}

/* Channel c of a key as stored, c counting those that are, then the others of a list. */
fn stored_channel(key: KeyRow, c: u32) -> f32 {
  if (key.coded) {
    if (c >= key.n_stored) { return fills_buf[key.list + c]; }
    const HIGH_BITS = 4u;
    const LOW_BITS = 2u;
    const UNIT_ROWS = 64u;
    let high_words = key.n_high * (HIGH_BITS / 2u);
    let tile_words = high_words + (key.n_stored - key.n_high) * (LOW_BITS / 2u);
    let tile = key.unit + key.in_unit / TILE_ROWS * tile_words;
    let group = unpack2x16float(arena_buf[key.unit + tile_words * (UNIT_ROWS / TILE_ROWS) + c]);
    let is_high = c < key.n_high;
    let bits = select(LOW_BITS, HIGH_BITS, is_high);
    let cell = tile
        + select(high_words + (c - key.n_high) * (LOW_BITS / 2u), c * (HIGH_BITS / 2u), is_high);
    let even = key.in_unit - key.in_unit % 2u;
    let codes = kerf_code_pair(arena_buf[cell + kerf_code_word(even, bits)], even, bits);
    return fma(group.x, codes[key.in_unit % 2u], group.y);
  }
  let at = key.first + c * TILE_ROWS;
  return unpack2x16float(arena_buf[at / 2u])[at % 2u];
}

/* Which channel that is. */
fn channel_of(kv: KvRows, key: KeyRow, c: u32) -> u32 {
  if (key.listed) { return channels_buf[key.list + c]; }
  return c;
}

/* Where a row stands, which for rows as late as the window's queries is their position. */
fn position_of(kv: KvRows, place: u32) -> i32 {
  return i32(place);
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
fn window_softmax__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
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
      for (var c = 0u; c < key.width; c++) {
        let channel = channel_of(kv, key, c);
        product = fma(q[channel], stored_channel(key, c), product);
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
