/*
 * ThinK's question asked further: not which key channels to drop but how many bits each is worth, and not which
 * rows to evict but which keep their values in more bits. A channel's error shows in the logits as large as its
 * queries are: channels get 0, 2 or 4 bits where these errors, by their rows' scores, sum to the least at `keys`
 * bits a channel and row, scales included; without bits a channel reads as its mean. The share `high` of the rows
 * that the last queries attend to most has values of 4 bits, the others of 2; below a budget of 0.11 of 2 and of
 * none, which read as their mean. Each has bits of channels of its own. `budget` splits itself; only rows that are
 * coded count. Costs two passes over the keys that are coded and a softmax of the window. What the window does not
 * ask for is only coarser; below 0.12 needles get lost. `turned=1` codes values in a Hadamard basis, which is worth
 * up to a quarter; heads must have 2ⁿ channels.
 * Scores of the oldest full rows of one layer; higher gets more bits.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/prune/think_bits.ts by `deno task gen`. Do not edit.
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
  n_tiles: u32, /* tiles to score */
  max_rows: u32, /* rows to score */
  key_page_0: u32, /* the segment's first page entry */
  key_page_1: u32, /* the segment's first page entry */
  key_page_2: u32, /* the segment's first page entry */
  value_page_0: u32,
  value_page_1: u32,
  value_page_2: u32,
}

@group(0) @binding(0) var<storage, read> q_ring_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
@group(0) @binding(1) var<storage, read> window_sums_buf: array<f32>; /* f32 [nHeads, n_window, 2] */
@group(0) @binding(2) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(3) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 12] */
@group(0) @binding(4) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(5) var<storage, read_write> row_scores_buf: array<f32>; /* f32 [nHeads, max_rows] */
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page */
const TILE_ROWS = 16u; /* rows of a tile of keys */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const KEY_SEGMENTS = 3u;
const HEAD_FIELDS = 12u; /* rows and width of every segment */

/* One KV head: its place in pages, heads and channels, and its rows. */
struct KvRows {
  place: u32,
  n_rows: u32,
  n_before: u32, /* rows before the full ones, which n_rows counts */
}

/* One key: the element of the arena that holds its first channel; the next is TILE_ROWS on. */
struct KeyRow {
  first: u32,
  width: u32,
}

fn rows_of(kv_head: u32) -> KvRows {
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  var n_before = 0u;
  for (var segment = 0u; segment + 1u < KEY_SEGMENTS; segment++) {
    n_before += heads_buf[place * HEAD_FIELDS + 2u * segment];
  }
  return KvRows(place, heads_buf[place * HEAD_FIELDS + 2u * (KEY_SEGMENTS - 1u)], n_before);
}

/* A row of a segment of keys, whose first page entry is `page`. */
fn key_of(kv: KvRows, page: u32, row: u32, width: u32) -> KeyRow {
  let start = pages_buf[kv.place * params.page_entries + page + row / PAGE_ROWS] * UNIT_WORDS * 2u;
  let in_page = row % PAGE_ROWS;
  return KeyRow(start + in_page / TILE_ROWS * TILE_ROWS * width + in_page % TILE_ROWS, width);
}

/* The key of row `place`, which counts full rows. */
fn key_at(kv: KvRows, place: u32) -> KeyRow {
  return key_of(kv, params.key_page_2, place, HEAD_DIM);
}

/* Channel c of a key as stored, c counting those that are. */
fn stored_channel(key: KeyRow, c: u32) -> f32 {
  let at = key.first + c * TILE_ROWS;
  return unpack2x16float(arena_buf[at / 2u])[at % 2u];
}

/* The word of the arena where the page of values begins that holds a row. */
fn value_page(kv: KvRows, place: u32) -> u32 {
  return pages_buf[kv.place * params.page_entries + params.value_page_2 + place / PAGE_ROWS]
      * UNIT_WORDS;
}
/* Where a row stands, which for rows as late as the window's queries is their position. */
fn position_of(kv: KvRows, place: u32) -> i32 {
  return i32(kv.n_before + place);
}

/* One work group: WORKGROUP full rows of one KV head, a row a thread. */
@compute @workgroup_size(WORKGROUP)
fn class_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_blocks = (params.max_rows + WORKGROUP - 1u) / WORKGROUP;
  if (item >= params.n_kv_heads * n_blocks) { return; }
  let kv_head = item / n_blocks;
  let kv = rows_of(kv_head);
  let place = item % n_blocks * WORKGROUP + lane;
  if (place >= min(kv.n_rows, params.max_rows)) { return; }

  let key = key_at(kv, place);
  let position = position_of(kv, place);
  for (var g = 0u; g < GROUP; g++) {
    let head = kv_head * GROUP + g;
    let first_place = ((params.slot * params.n_layers + params.layer) * params.n_heads + head)
        * params.window;
    var sum_weights_lanes: f32 = 0.0;
    for (var query = 0u; query < params.n_window; query++) {
      let seen_from = params.n_tokens - params.n_window + query;
      let q = (first_place + seen_from % params.window) * HEAD_DIM;
      var x = 0.0;
      if (position <= i32(seen_from)) {
        var product = 0.0;
        for (var channel = 0u; channel < key.width; channel++) {
          product = fma(q_ring_buf[q + channel], stored_channel(key, channel), product);
        }

        let sums = 2u * (head * params.n_window + query);
        x = kerf_exp(product * params.scale - window_sums_buf[sums]) / window_sums_buf[sums + 1u];
      }

      sum_weights_lanes = sum_weights_lanes + x;
    }

    row_scores_buf[head * params.max_rows + place] = sum_weights_lanes;
  }
}
