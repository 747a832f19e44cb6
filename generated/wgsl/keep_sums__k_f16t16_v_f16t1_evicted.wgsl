/*
 * Moves the running sums of the kept rows of a layer, which lie behind the rows of a page, as the rows move.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/keep_sums.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in the block table */
  max_rows: u32, /* rows of the longest head before */
  key_page_0: u32, /* the segment's first page entry */
  value_page_0: u32,
}

@group(0) @binding(0) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(2) var<storage, read> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(3) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 128u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
/* Behind a page's positions and rows: the running sums. */
const SUM_OFFSET = PAGE_ROWS + PAGE_ROWS * HEAD_DIM / 2u;

/* Word of a row's sum; `pages` is the first page entry of the head's values. */
fn sum_word(pages: u32, row: u32) -> u32 {
  return pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + SUM_OFFSET + row % PAGE_ROWS;
}

/* One work group: one KV head, a sum of each thread after the other. They only move toward the front. */
@compute @workgroup_size(WORKGROUP)
fn keep_sums__k_f16t16_v_f16t1_evicted(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  let pages = place * params.page_entries + params.value_page_0;
  let n_kept = kept_counts_buf[2u * (params.layer * params.n_kv_heads + kv_head) + 1u];
  for (var block = 0u; block < n_kept; block += WORKGROUP) {
    let row = block + lane;
    var sum = 0u;
    if (row < n_kept) { sum = arena_buf[sum_word(pages, kept_buf[kv_head * params.max_rows + row])];
        }
    storageBarrier();
    if (row < n_kept) { arena_buf[sum_word(pages, row)] = sum; }
  }
}
