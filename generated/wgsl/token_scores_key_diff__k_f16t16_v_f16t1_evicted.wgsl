/*
 * KeyDiff: keeps the rows whose keys are least like the mean of all keys, since alike keys hold the same
 * thing twice. Two passes over the keys and no queries; it knows nothing of what will be asked.
 * Scores of every row of one layer; higher keeps.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/prune/key_diff.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  n_tiles: u32, /* tiles of the longest head, all segments */
  max_rows: u32, /* rows of the longest head */
  key_page_0: u32, /* the segment's first page entry */
  value_page_0: u32,
}

@group(0) @binding(0) var<storage, read> anchors_buf: array<f32>; /* f32 [nKvHeads, headDim + 16] */
@group(0) @binding(1) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 4] */
@group(0) @binding(3) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(4) var<storage, read_write> row_scores_buf: array<f32>; /* f32 [nKvHeads, max_rows] */
@group(0) @binding(5) var<uniform> params: Params;

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

/* One work group: WORKGROUP rows of one KV head, a row a thread. */
@compute @workgroup_size(WORKGROUP)
fn token_scores_key_diff__k_f16t16_v_f16t1_evicted(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_blocks = (params.max_rows + WORKGROUP - 1u) / WORKGROUP;
  if (item >= params.n_kv_heads * n_blocks) { return; }
  let kv_head = item / n_blocks;
  let kv = rows_of(kv_head);
  let place = item % n_blocks * WORKGROUP + lane;
  if (place >= kv.n_rows) { return; }
  let anchor = kv_head * (HEAD_DIM + 16u);
  let anchor_norm = anchors_buf[anchor + HEAD_DIM];

  let key = key_at(kv, place);
  var anchor_dot = 0.0;
  for (var channel = 0u; channel < key.width; channel++) {
    anchor_dot = fma(anchors_buf[anchor + channel], stored_channel(key, channel), anchor_dot);
  }

  var norm_key_lanes: f32 = 0.0;
  for (var c = 0u; c < HEAD_DIM; c++) {
    let x = stored_channel(key, c);

    norm_key_lanes = norm_key_lanes + x * x;
  }
  // src/dsl/reductions.ts:50
  let norm_key: f32 = sqrt(norm_key_lanes);
  // kernels/prune/key_diff.ts:17
  let score: f32 = -anchor_dot / kerf_max(anchor_norm * norm_key, 1e-8);
  // generated/wgsl/token_scores_key_diff__k_f16t16_v_f16t1_evicted.wgsl:119
  row_scores_buf[kv_head * params.max_rows + place] = score;
}
