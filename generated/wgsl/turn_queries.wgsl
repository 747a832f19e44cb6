/*
 * Turns remembered queries back where rows are about to leave a cache whose keys are rotated by their places: by
 * as many places as rows leave before a query. So a query stands behind the last row that is no later than it,
 * and later scores compare it with keys at their new places.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/turn_queries.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  value_page: u32, /* the first one of values that carry positions */
  window: u32, /* places of the ring */
  n_window: u32, /* queries in it */
  n_tokens: u32, /* position after the last query */
  max_rows: u32, /* rows of the longest head */
}

@group(0) @binding(0) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(2) var<storage, read> rope_buf: array<f32>; /* f32 [nCtx, headDim] */
@group(0) @binding(3) var<storage, read> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(4) var<storage, read> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(5) var<storage, read> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(6) var<storage, read_write> q_ring_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
@group(0) @binding(7) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page, whose positions are at its head */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const HALF = HEAD_DIM / 2u;

/* How many of a head's rows are no later than a position: positions ascend; `pages` is its first entry of values. */
fn rows_until(pages: u32, n_rows: u32, position: u32) -> u32 {
  var low = 0u;
  var high = n_rows;
  while (low < high) {
    let row = low + (high - low) / 2u;
    let word = pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + row % PAGE_ROWS;
    if (arena_buf[word] <= position) { low = row + 1u; } else { high = row; }
  }
  return low;
}

/* How many kept rows lie before a row; `kept` is the place of the head's first. */
fn kept_before(kept: u32, n_kept: u32, row: u32) -> u32 {
  var low = 0u;
  var high = n_kept;
  while (low < high) {
    let place = low + (high - low) / 2u;
    if (kept_buf[kept + place] < row) { low = place + 1u; } else { high = place; }
  }
  return low;
}

/* One work group: the remembered queries of one query head, a pair of channels a thread. */
@compute @workgroup_size(WORKGROUP)
fn turn_queries(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let head = kerf_item(group, groups);
  if (head >= params.n_heads) { return; }
  let kv_head = head / (params.n_heads / params.n_kv_heads);
  let layer = params.slot * params.n_layers + params.layer;
  let place = params.layer * params.n_kv_heads + kv_head;
  let n_rows = cuts_buf[4u * place + 1u];
  let n_kept = kept_counts_buf[2u * place + 1u];
  let pages = (layer * params.n_kv_heads + kv_head) * params.page_entries + params.value_page;
  let ring = (layer * params.n_heads + head) * params.window * HEAD_DIM;
  for (var i = lane; i < params.n_window * HALF; i += WORKGROUP) {
    let position = params.n_tokens - params.n_window + i / HALF;
    let n_before = rows_until(pages, n_rows, position);
    let back = n_before - kept_before(kv_head * params.max_rows, n_kept, n_before);
    if (back == 0u) { continue; }

    let c = i % HALF;
    let q = ring + position % params.window * HEAD_DIM + c;
    let a = q_ring_buf[q];
    let b = q_ring_buf[q + HALF];
    let cos = rope_buf[back * HEAD_DIM + c];
    let sin = rope_buf[back * HEAD_DIM + HALF + c];
    q_ring_buf[q] = a * cos + b * sin;
    q_ring_buf[q + HALF] = b * cos - a * sin;
  }
}
