/*
 * Rotates a row's q and k and stores k and v in the cache.
 * Keeps the last `window` rotated queries of every sequence in a ring: row p of the sequence goes to
 * place p mod window, so that scores at the end of prefill do not depend on how it was chunked.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/append.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  n_kv_heads: u32,
  qkv_stride: u32, /* elements between rows of qkv */
  page_entries: u32, /* entries of a head in pages */
  key_page: u32, /* first page entry of the last segment of keys */
  value_page: u32, /* first page entry of the last segment of values */
  window: u32, /* places of the ring */
  second_window: u32, /* places of a second ring in q_ring; 0: there is none */
  second_ring: u32, /* its first element */
}

@group(0) @binding(0) var<storage, read_write> qkv_buf: array<f32>; /* f32 [nRows, qkv_stride] */
@group(0) @binding(1) var<storage, read> rope_buf: array<f32>; /* f32 [nCtx, headDim] */
@group(0) @binding(2) var<storage, read> row_position_buf: array<u32>; /* u32 [nRows] */
@group(0) @binding(3) var<storage, read> row_seq_buf: array<u32>; /* u32 [nRows] */
@group(0) @binding(4) var<storage, read> seqs_buf: array<u32>; /* u32 [nSeqs, 4] */
@group(0) @binding(5) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(6) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 4] */
@group(0) @binding(7) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(8) var<storage, read_write> q_ring_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
@group(0) @binding(9) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(10) var<uniform> params: Params;

const WORKGROUP = 64u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const HEAD_FIELDS = 4u; /* rows and width of every segment */
const HALF = HEAD_DIM / 2u;

/* A channel pair of a head after rotation; `x` is the place of the head's channel 0 in qkv. */
fn rotated(row: u32, x: u32, c: u32) -> vec2<f32> {
  /* Cosines of the half angles, then sines. */
  let angles = row_position_buf[row] * HEAD_DIM;
  let cos = rope_buf[angles + c];
  let sin = rope_buf[angles + HALF + c];
  let a = qkv_buf[x + c];
  let b = qkv_buf[x + HALF + c];

  // kernels/ops/rope_half.ts:6
  let new_a: f32 = a * cos - b * sin;
  let new_b: f32 = b * cos + a * sin;
  // generated/wgsl/append_recording__k_f16t16_v_f16t1_evicted_summed.wgsl:61
  return vec2<f32>(new_a, new_b);
}

/* One channel of a key head after rotation, and of a value head. */
fn key_element(row: u32, head: u32, channel: u32) -> f32 {
  let x = row * params.qkv_stride + (params.n_heads + head) * HEAD_DIM;
  return rotated(row, x, channel % HALF)[channel / HALF];
}
fn value_element(row: u32, head: u32, channel: u32) -> f32 {
  return qkv_buf[row * params.qkv_stride + (params.n_heads + params.n_kv_heads + head) * HEAD_DIM
      + channel];
}

/* The place in the arena, in elements, of channel 0 of a row of the last segment of keys. */
fn key_place(place: u32, row: u32) -> u32 {
  const TILE = 16u;
  let page = pages_buf[place * params.page_entries + params.key_page + row / PAGE_ROWS];
  let in_page = row % PAGE_ROWS;
  return page * UNIT_WORDS * 2u + in_page / TILE * TILE * HEAD_DIM + in_page % TILE;
}

/* The place in the arena, in elements, of channel 0 of a row of the last segment of values. */
fn value_place(place: u32, row: u32) -> u32 {
  const TILE = 1u;
  let page = pages_buf[place * params.page_entries + params.value_page + row / PAGE_ROWS];
  let in_page = row % PAGE_ROWS;
  return (page * UNIT_WORDS + 2u * PAGE_ROWS) * 2u + in_page / TILE * TILE * HEAD_DIM
      + in_page % TILE;
}

/* Puts element i of a row's rotated queries in a ring: position p's goes to place p mod window. */
fn record_in(ring: u32, window: u32, row: u32, i: u32, x: f32) {
  let seq = 4u * row_seq_buf[row];
  let offset = row - seqs_buf[seq + 1u];
  /* Of two rows of this step that share a place the later one stays, whoever runs first. */
  if (seqs_buf[seq] - offset > window) { return; }
  let place = (seqs_buf[seq + 2u] + offset) % window;
  let head = (seqs_buf[seq + 3u] * params.n_layers + params.layer) * params.n_heads + i / HEAD_DIM;
  q_ring_buf[ring + (head * window + place) * HEAD_DIM + i % HEAD_DIM] = x;
}
/* … and in both rings, if there are two. */
fn record(row: u32, i: u32, x: f32) {
  record_in(0u, params.window, row, i, x);
  record_in(params.second_ring, params.second_window, row, i, x);
}

/* One work group: one row, all its heads. */
@compute @workgroup_size(WORKGROUP)
fn append_recording__k_f16t16_v_f16t1_evicted_summed(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(0u /* nRows */)) { return; }
  let seq = 4u * row_seq_buf[row];
  let n_query = seqs_buf[seq];
  let offset = row - seqs_buf[seq + 1u];
  let first_place = (seqs_buf[seq + 3u] * params.n_layers + params.layer) * params.n_kv_heads;

  for (var i = lane; i < params.n_heads * HALF; i += WORKGROUP) {
    let x = row * params.qkv_stride + i / HALF * HEAD_DIM;
    let c = i % HALF;
    let q = rotated(row, x, c);
    qkv_buf[x + c] = q.x;
    qkv_buf[x + HALF + c] = q.y;
    let first = i / HALF * HEAD_DIM + c;
    record(row, first, q.x);
    record(row, first + HALF, q.y);
  }

  /*
   * Rows 2i and 2i + 1 of a segment share a word. The work group of the even one stores both; the odd one's
   * stores only where its neighbour came in an earlier step. So no two of them touch one word.
   */
  for (var i = lane; i < params.n_kv_heads * HEAD_DIM; i += WORKGROUP) {
    let head = i / HEAD_DIM;
    let channel = i % HEAD_DIM;
    let place = first_place + head;
    let stored_row = heads_buf[place * HEAD_FIELDS + 0u] + offset;
    let word = (key_place(place, stored_row) + channel * 16u) / 2u;
    let even = stored_row % 2u == 0u;
    if (even && offset + 1u < n_query) {
      arena_buf[word] = kerf_f16_pair(
        key_element(row, head, channel), key_element(row + 1u, head, channel));
    } else if (even || offset == 0u) {
      let bits = kerf_f16_bits(key_element(row, head, channel));
      arena_buf[word] = insertBits(arena_buf[word], bits, select(16u, 0u, even), 16u);
    }
  }
  /* Two channels of the row share a word. */
  for (var i = lane; i < params.n_kv_heads * HALF; i += WORKGROUP) {
    let head = i / HALF;
    let channel = 2u * (i % HALF);
    let place = first_place + head;
    let at = value_place(place, heads_buf[place * HEAD_FIELDS + 2u] + offset);
    arena_buf[(at + channel) / 2u] = kerf_f16_pair(
      value_element(row, head, channel), value_element(row, head, channel + 1u));
  }
  /* True positions stand at the head of each page of values, a word each. */
  for (var head = lane; head < params.n_kv_heads; head += WORKGROUP) {
    let place = first_place + head;
    let stored_row = heads_buf[place * HEAD_FIELDS + 2u] + offset;
    let page = pages_buf[place * params.page_entries + params.value_page + stored_row / PAGE_ROWS];
    arena_buf[page * UNIT_WORDS + stored_row % PAGE_ROWS] = row_position_buf[row];
  }
}
