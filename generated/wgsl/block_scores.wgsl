/*
 * The score of each row that may be evicted becomes that of its block: rows whose positions, over the block's
 * size, have one whole part. They meet in their mean or their largest. Protected rows belong to none, so a
 * block that reaches into them is that much smaller.
 *
 * Generated from kernels/ops/block_scores.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  value_page: u32, /* the first one of values that carry positions */
  block_rows: u32, /* positions of a block */
  takes_max: u32, /* rows meet in their largest, else in their mean */
  protect_first: u32,
  protect_last: u32,
  max_rows: u32, /* rows of the longest head */
}

@group(0) @binding(0) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(2) var<storage, read> token_scores_buf: array<f32>; /* f32 [nKvHeads, max_rows] */
@group(0) @binding(3) var<storage, read> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(4) var<storage, read_write> block_scores_buf: array<f32>; /* f32 [nKvHeads, max_rows] */
@group(0) @binding(5) var<storage, read_write> block_starts_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page, whose positions are at its head */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */

/* The block of a row: its position over the block's size; `pages` is the first entry of its head's values. */
fn block_of(pages: u32, row: u32) -> u32 {
  return arena_buf[pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + row % PAGE_ROWS]
      / params.block_rows;
}

/* One work group: WORKGROUP rows of one KV head, a row a thread. */
@compute @workgroup_size(WORKGROUP)
fn block_scores(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_spans = (params.max_rows + WORKGROUP - 1u) / WORKGROUP;
  if (item >= params.n_kv_heads * n_spans) { return; }
  let kv_head = item / n_spans;
  let row = item % n_spans * WORKGROUP + lane;
  let n_rows = cuts_buf[4u * (params.layer * params.n_kv_heads + kv_head) + 1u];
  let begin = params.protect_first;
  if (row < begin || row + params.protect_last >= n_rows) { return; }

  let end = n_rows - params.protect_last;
  let head = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  let pages = head * params.page_entries + params.value_page;
  let scores = kv_head * params.max_rows;
  let block = block_of(pages, row);
  var start = row;
  while (start > begin && block_of(pages, start - 1u) == block) { start--; }
  var total = token_scores_buf[scores + start];
  var next = start + 1u;
  for (; next < end && block_of(pages, next) == block; next++) {
    let score = token_scores_buf[scores + next];
    if (params.takes_max != 0u) { total = kerf_max(total, score); } else { total += score; }
  }
  if (params.takes_max == 0u) { total = total / f32(next - start); }
  block_scores_buf[scores + row] = total;
  block_starts_buf[scores + row] = start;
}
