/*
 * Copies the kept rows of a layer to new pages, in order: every segment of keys to itself, values with
 * their positions. `heads` still has the rows before. Where keys are rotated by their place, they are turned
 * back by as much as they move.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/keep_rows.ts by `deno task gen`. Do not edit.
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
@group(0) @binding(2) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
@group(0) @binding(3) var<storage, read> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(4) var<storage, read> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(5) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const ROWS = 16u; /* of a block: a tile of keys */
const PER_WORD = 2u; /* elements of a word of keys */
const VALUE_WORDS = HEAD_DIM / 2u; /* of a row */

/* A segment of keys: its first page entry, the kept rows before it, and the rows before it that were there. */
struct KeySegment {
  page: u32,
  first_kept: u32,
  n_kept: u32,
  rows_before: u32,
  width: u32,
}

/* The bits of one element of a source row. */
fn source_bits(pages: u32, row: u32, channel: u32, width: u32) -> u32 {
  let in_page = row % PAGE_ROWS;
  let at = in_page / ROWS * ROWS * width + channel * ROWS + in_page % ROWS;
  let word = arena_buf[src_pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + at / PER_WORD];
  return extractBits(word, at % 2u * 16u, 16u);
}

/*
 * A block of a segment's new rows. Two halves share a word, so a thread makes whole words and keeps the
 * elements behind the last row.
 */
fn keep_keys(kv_head: u32, place: u32, segment: KeySegment, block: u32, lane: u32) {
  if (block >= segment.n_kept) { return; }
  let in_page = block % PAGE_ROWS;
  let page = dst_pages_buf[place * params.page_entries + segment.page + block / PAGE_ROWS];
  let start = page * UNIT_WORDS + in_page * segment.width / PER_WORD;
  for (var i = lane; i < ROWS * segment.width / PER_WORD; i += WORKGROUP) {
    var word = arena_buf[start + i];
    for (var part = 0u; part < PER_WORD; part++) {
      let element = i * PER_WORD + part;
      let row = block + element % ROWS;
      if (row < segment.n_kept) {
        let source = kept_buf[kv_head * params.max_rows + segment.first_kept + row]
            - segment.rows_before;
        let bits = source_bits(kv_head * params.page_entries + segment.page, source, element / ROWS,
            segment.width);
        word = insertBits(word, bits, part * 16u, 16u);
      }
    }
    arena_buf[start + i] = word;
  }
}

/* One work group: a block of ROWS new rows of each segment of one KV head. New pages are none of the old ones. */
@compute @workgroup_size(WORKGROUP)
fn keep_rows__k_f16t16_v_f16t1_evicted(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_blocks = (params.max_rows + ROWS - 1u) / ROWS;
  if (item >= params.n_kv_heads * n_blocks) { return; }
  let kv_head = item / n_blocks;
  let block = item % n_blocks * ROWS;
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  let counts = 2u * (params.layer * params.n_kv_heads + kv_head);
  let n_kept = kept_counts_buf[counts + 1u];
  let whole = KeySegment(params.key_page_0, 0u, n_kept, 0u, HEAD_DIM);
  keep_keys(kv_head, place, whole, block, lane);

  for (var i = lane; i < ROWS * VALUE_WORDS; i += WORKGROUP) {
    let row = block + i / VALUE_WORDS;
    if (row < n_kept) {
      let word = i % VALUE_WORDS;
      let source = kept_buf[kv_head * params.max_rows + row];
      let src_page = src_pages_buf[kv_head * params.page_entries + params.value_page_0
          + source / PAGE_ROWS] * UNIT_WORDS;
      let dst_page = dst_pages_buf[place * params.page_entries + params.value_page_0
          + row / PAGE_ROWS] * UNIT_WORDS;
      /* Positions stand at the head of a page, a word each. */
      arena_buf[dst_page + PAGE_ROWS + row % PAGE_ROWS * VALUE_WORDS + word] = arena_buf[src_page
          + PAGE_ROWS + source % PAGE_ROWS * VALUE_WORDS + word];
      if (word == 0u) { arena_buf[dst_page + row % PAGE_ROWS] = arena_buf[src_page
          + source % PAGE_ROWS]; }
    }
  }
}
