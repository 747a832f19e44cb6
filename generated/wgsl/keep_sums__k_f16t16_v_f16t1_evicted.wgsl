/*
 * Copies the running sums of the kept rows of a layer, which lie behind the rows of a page, to new pages.
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
  page_entries: u32, /* entries of a head in both page tables */
  max_rows: u32, /* rows of the longest head before */
  key_page_0: u32, /* the segment's first page entry */
  value_page_0: u32,
}

@group(0) @binding(0) var<storage, read> src_pages_buf: array<u32>; /* u32 [nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> dst_pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(3) var<storage, read> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(4) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 128u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
/* Behind a page's positions and rows: the running sums. */
const SUM_OFFSET = PAGE_ROWS + PAGE_ROWS * HEAD_DIM / 2u;

/* One work group: one KV head. New pages are none of the old ones. */
@compute @workgroup_size(WORKGROUP)
fn keep_sums__k_f16t16_v_f16t1_evicted(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  let n_kept = kept_counts_buf[2u * (params.layer * params.n_kv_heads + kv_head) + 1u];
  for (var row = lane; row < n_kept; row += WORKGROUP) {
    let source = kept_buf[kv_head * params.max_rows + row];
    let src_page = src_pages_buf[kv_head * params.page_entries + params.value_page_0
        + source / PAGE_ROWS] * UNIT_WORDS;
    let dst_page = dst_pages_buf[place * params.page_entries + params.value_page_0
        + row / PAGE_ROWS] * UNIT_WORDS;
    arena_buf[dst_page + SUM_OFFSET + row % PAGE_ROWS] = arena_buf[src_page + SUM_OFFSET
        + source % PAGE_ROWS];
  }
}
