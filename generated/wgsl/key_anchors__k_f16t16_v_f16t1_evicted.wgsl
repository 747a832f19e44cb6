/*
 * Per KV head of a layer the mean of its keys, each divided by its norm, and then the mean's own norm.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/key_anchors.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  key_page_0: u32, /* the segment's first page entry */
  value_page_0: u32,
}

@group(0) @binding(0) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
@group(0) @binding(2) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(3) var<storage, read_write> anchors_buf: array<f32>; /* f32 [nKvHeads, headDim + 16] */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 64u;

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

var<workgroup> norms: array<f32, WORKGROUP>;
var<workgroup> anchor: array<f32, HEAD_DIM>;

/* One work group: one KV head. As many rows as threads get their norms, then each thread sums channels. */
@compute @workgroup_size(WORKGROUP)
fn key_anchors__k_f16t16_v_f16t1_evicted(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= params.n_kv_heads) { return; }
  let kv = rows_of(item);
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) { anchor[c] = 0.0; }
  for (var first = 0u; first < kv.n_rows; first += WORKGROUP) {
    let n = min(kv.n_rows - first, WORKGROUP);
    if (lane < n) {
      let key = key_at(kv, first + lane);
      var square = 0.0;
      for (var c = 0u; c < key.width; c++) {
        let x = stored_channel(key, c);
        square += x * x;
      }
      norms[lane] = sqrt(square);
    }
    workgroupBarrier();
    for (var i = 0u; i < n; i++) {
      let key = key_at(kv, first + i);
      for (var c = lane; c < key.width; c += WORKGROUP) {
        if (norms[i] > 0.0) { anchor[c] += stored_channel(key, c) / norms[i]; }
      }
      /* Another row's list may give this channel to another thread. */
      workgroupBarrier();
    }
  }
  let at = item * (HEAD_DIM + 16u);
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    anchor[c] = anchor[c] / f32(kv.n_rows);
    anchors_buf[at + c] = anchor[c];
  }
  workgroupBarrier();
  if (lane == 0u) {
    var square = 0.0;
    for (var c = 0u; c < HEAD_DIM; c++) { square += anchor[c] * anchor[c]; }
    anchors_buf[at + HEAD_DIM] = sqrt(square);
  }
}
