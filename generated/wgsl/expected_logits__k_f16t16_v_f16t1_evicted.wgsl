/*
 * What a query of a head's moments is expected to give each row, as a logit: μᵀk/√d + kᵀΣk/2d, the moments
 * rotated to the mean of the next `ahead` positions.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/ops/expected_logits.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  n_tokens: u32, /* position after the last query */
  skip: u32, /* first rows of a sequence that do not count */
  ahead: u32, /* positions whose rotations meet in their mean */
  n_tiles: u32, /* tiles of the longest head, all segments */
  max_rows: u32, /* rows of the longest head */
  scale: f32, /* 1 / √headDim */
  key_page_0: u32, /* the segment's first page entry */
  value_page_0: u32,
}

@group(0) @binding(0) var<storage, read> moments_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, headDim + 2, headDim] */
@group(0) @binding(1) var<storage, read> angles_buf: array<f32>; /* f32 [nCtx + ahead, headDim] */
@group(0) @binding(2) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(3) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
@group(0) @binding(4) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(5) var<storage, read_write> expected_logits_buf: array<f32>; /* f32 [nHeads, max_rows] */
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 128u;

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
const MOMENTS = (HEAD_DIM + 2u) * HEAD_DIM; /* the first query, sums, products */
const LANES = 16u; /* threads that share a row's channels */
const ROWS = WORKGROUP / LANES; /* of a work group */
const HALF = HEAD_DIM / 2u;
const_assert ROWS == 8u;

var<workgroup> rotation: array<f32, HEAD_DIM>;
/* f32 [ROWS, HEAD_DIM] */
var<workgroup> keys: array<f32, ROWS * HEAD_DIM>;
/* Of each thread: its part of first · k, sums · k, and k · products · k. */
var<workgroup> parts: array<vec3<f32>, WORKGROUP>;

/* One work group: ROWS rows of one KV head. */
@compute @workgroup_size(WORKGROUP)
fn expected_logits__k_f16t16_v_f16t1_evicted(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_blocks = (params.max_rows + ROWS - 1u) / ROWS;
  if (item >= params.n_kv_heads * n_blocks) { return; }
  let kv_head = item / n_blocks;
  let kv = rows_of(kv_head);
  let place = item % n_blocks * ROWS + lane / LANES;
  let own = lane / LANES * HEAD_DIM;
  let part = lane % LANES;
  let present = place < kv.n_rows;
  let n_queries = f32(params.n_tokens - params.skip);

  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    var sum = 0.0;
    for (var i = 0u; i < params.ahead;
        i++) { sum += angles_buf[(params.n_tokens + i) * HEAD_DIM + c]; }
    rotation[c] = sum / f32(params.ahead);
  }
  for (var c = part; c < HEAD_DIM; c += LANES) { keys[own + c] = 0.0; }
  workgroupBarrier();
  if (present) {
    let key = key_at(kv, place);
    for (var c = part; c < key.width; c += LANES) {
      keys[own + c] = stored_channel(key, c);
    }
  }
  workgroupBarrier();
  /* A rotated query meets a key as the query meets the key turned back. */
  for (var c = part; c < HALF; c += LANES) {
    let a = keys[own + c];
    let b = keys[own + HALF + c];
    keys[own + c] = a * rotation[c] + b * rotation[HALF + c];
    keys[own + HALF + c] = b * rotation[c] - a * rotation[HALF + c];
  }
  workgroupBarrier();
  for (var g = 0u; g < GROUP; g++) {
    let head = kv_head * GROUP + g;
    let moments = ((params.slot * params.n_layers + params.layer) * params.n_heads + head)
        * MOMENTS;
    var sums = vec3<f32>(0.0);
    for (var c = part; c < HEAD_DIM; c += LANES) {
      var product = 0.0;
      for (var i = 0u; i < HEAD_DIM;
          i++) { product = fma(moments_buf[moments + (2u + c) * HEAD_DIM + i], keys[own + i],
          product); }
      sums = fma(vec3<f32>(moments_buf[moments + c], moments_buf[moments + HEAD_DIM + c], product),
          vec3<f32>(keys[own + c]), sums);
    }
    parts[lane] = sums;
    workgroupBarrier();
    if (part == 0u && present) {
      for (var i = 1u; i < LANES; i++) { sums += parts[lane + i]; }
      let far = sums.y / n_queries;
      let variance = sums.z / n_queries - far * far;
      expected_logits_buf[head * params.max_rows + place] = (sums.x + far) * params.scale
          + variance * (0.5 * params.scale * params.scale);
    }
    workgroupBarrier();
  }
}
