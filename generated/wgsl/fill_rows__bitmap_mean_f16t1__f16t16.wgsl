/*
 * Makes whole rows of keys that have channels of their own: a channel that a row lacks reads as its fill.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/fill_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in both page tables */
  src_page: u32, /* the source segment's first page entry */
  dst_page: u32, /* the destination segment's first page entry */
  max_rows: u32, /* rows of the longest move */
}

@group(0) @binding(0) var<storage, read> src_pages_buf: array<u32>; /* u32 [nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> dst_pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> fills_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(3) var<storage, read> moves_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(4) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const ROWS = 16u; /* of a destination block: a tile of whole rows */

/*
 * Rows that have channels of their own are halves one after the other: a bit for each channel, sixteen to a
 * half, the lowest first; then the channels whose bits are set, ascending. A half of the arena:
 */
const SET_HALVES = HEAD_DIM / 16u;
fn half_at(at: u32) -> u32 { return extractBits(arena_buf[at / 2u], at % 2u * 16u, 16u); }

const PER_WORD = 2u; /* elements of a word */

/* The bits of one element of a whole row: the row's own, or what the channel reads as where it lacks it. */
fn source_bits(pages: u32, row: u32, row_halves: u32, c: u32, fill: f32) -> u32 {
  let page = src_pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS;
  let row_start = 2u * page + row % PAGE_ROWS * row_halves;
  let last = half_at(row_start + c / 16u);
  if (extractBits(last, c % 16u, 1u) == 0u) { return kerf_f16_bits(fill); }
  var stored = row_start + SET_HALVES + countOneBits(extractBits(last, 0u, c % 16u));
  for (var i = 0u; i < c / 16u; i++) { stored += countOneBits(half_at(row_start + i)); }
  return half_at(stored);
}

/*
 * One work group: blocks of ROWS destination rows, counted from the segment's start, of one KV head's move. A
 * thread makes whole words and keeps the elements of rows outside the move.
 */
@compute @workgroup_size(WORKGROUP)
fn fill_rows__bitmap_mean_f16t1__f16t16(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_blocks = (params.max_rows + ROWS - 1u) / ROWS;
  if (item >= params.n_kv_heads * n_blocks) { return; }
  let head = item / n_blocks;
  let rows_moved = 4u * (params.layer * params.n_kv_heads + head);
  let first_source = moves_buf[rows_moved];
  let first_row = moves_buf[rows_moved + 1u];
  let n_rows = moves_buf[rows_moved + 2u];
  let row_halves = SET_HALVES + moves_buf[rows_moved + 3u];
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + head;
  let source_pages = head * params.page_entries + params.src_page;
  let pages = place * params.page_entries + params.dst_page;

  /* A move that starts inside a block reaches one more: the first group of the head takes it. */
  for (var block = first_row / ROWS + item % n_blocks; block * ROWS < first_row + n_rows;
      block += n_blocks) {
    let start = dst_pages_buf[pages + block * ROWS / PAGE_ROWS] * UNIT_WORDS
        + block * ROWS % PAGE_ROWS * HEAD_DIM / PER_WORD;
    for (var i = lane; i < ROWS * HEAD_DIM / PER_WORD; i += WORKGROUP) {
      var word = arena_buf[start + i];
      for (var part = 0u; part < PER_WORD; part++) {
        let element = i * PER_WORD + part;
        let row = block * ROWS + element % ROWS;
        let c = element / ROWS;
        if (row >= first_row && row < first_row + n_rows) {
          let bits = source_bits(source_pages, first_source + row - first_row, row_halves, c,
              fills_buf[place * HEAD_DIM + c]);
          word = insertBits(word, bits, part * 16u, 16u);
        }
      }
      arena_buf[start + i] = word;
    }
  }
}
