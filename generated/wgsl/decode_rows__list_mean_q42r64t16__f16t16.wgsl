/*
 * Makes whole rows of coded ones on their way to another segment: code c of a group reads as scale · c +
 * minimum, a channel that is not stored as 0.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/decode_rows.ts by `deno task gen`. Do not edit.
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
  n_key_lists: u32, /* lists of a head */
  key_list: u32, /* that of the coded segment */
}

@group(0) @binding(0) var<storage, read> src_pages_buf: array<u32>; /* u32 [nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> dst_pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> channels_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(3) var<storage, read> fills_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(4) var<storage, read> moves_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(5) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const ROWS = 64u; /* of a destination block */
const BITS = 4u;
const CELL_WORDS = BITS / 2u; /* sixteen codes */
const LOW_BITS = 2u; /* of the second class of channels */
const LOW_CELL_WORDS = LOW_BITS / 2u;
const GROUP_SIZE = 64u; /* values that share a scale and a minimum */
const PER_WORD = 2u; /* elements of a word */

/* The place of a channel in a list, which has all of them: those that are stored, then the others. */
fn place_in_list(list: u32, channel: u32) -> u32 {
  var i = 0u;
  while (i + 1u < HEAD_DIM && channels_buf[list * HEAD_DIM + i] != channel) { i++; }
  return i;
}

/*
 * The bits of what one element of a coded row stands for; `c` is its channel's place in the list. width: how
 * many channels are stored, and from bit 16 up how many of them are of the first class.
 */
fn source_bits(pages: u32, row: u32, c: u32, width: u32, list: u32) -> u32 {
  let n_stored = width & 0xffffu;
  let n_high = width >> 16u;
  var x = fills_buf[list * HEAD_DIM + c];
  if (c < n_stored) {
    let page = src_pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS;
    let in_page = row % PAGE_ROWS;
    let tile_words = n_high * CELL_WORDS + (n_stored - n_high) * LOW_CELL_WORDS;
    let code_words = tile_words * (GROUP_SIZE / 16u);
    let unit = page + in_page / GROUP_SIZE * (code_words + n_stored);
    let tile = unit + in_page % GROUP_SIZE / 16u * tile_words;
    let is_high = c < n_high;
    let bits = select(LOW_BITS, BITS, is_high);
    let cell = tile
        + select(n_high * CELL_WORDS + (c - n_high) * LOW_CELL_WORDS, c * CELL_WORDS, is_high);
    let group_place = unit + code_words + c;
    let even = in_page - in_page % 2u;
    let codes = kerf_code_pair(arena_buf[cell + kerf_code_word(even, bits)], even, bits);
    let group = unpack2x16float(arena_buf[group_place]);
    x = fma(group.x, codes[in_page % 2u], group.y);
  }
  return kerf_f16_bits(x);
}

/*
 * One work group: blocks of ROWS destination rows, counted from the segment's start, of one KV head's
 * move. Two halves share a word, so a thread makes whole words and keeps the elements of rows outside the
 * move. Destination pages are not among the source's.
 */
@compute @workgroup_size(WORKGROUP)
fn decode_rows__list_mean_q42r64t16__f16t16(
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
  let width = HEAD_DIM;
  let stored_width = moves_buf[rows_moved + 3u];
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + head;
  let source_pages = head * params.page_entries + params.src_page;
  let pages = place * params.page_entries + params.dst_page;

  /* A move that starts inside a block reaches one more: the first group of the head takes it. */
  for (var block = first_row / ROWS + item % n_blocks; block * ROWS < first_row + n_rows;
      block += n_blocks) {
    let in_page = block * ROWS % PAGE_ROWS;
    let start = dst_pages_buf[pages + block * ROWS / PAGE_ROWS] * UNIT_WORDS
        + in_page * width / PER_WORD;
    for (var i = lane; i < ROWS * width / PER_WORD; i += WORKGROUP) {
      var word = arena_buf[start + i];
      var moves = false; /* Words past the last row may be another page's. */
      for (var part = 0u; part < PER_WORD; part++) {
        let element = i * PER_WORD + part;
        let tile_elements = 16u * width;
        let row = block * ROWS + element / tile_elements * 16u + element % 16u;
        let c = element % tile_elements / 16u;
        if (row >= first_row && row < first_row + n_rows) {
          moves = true;
          let list = place * params.n_key_lists + params.key_list;
          let stored = place_in_list(list, c);
          let bits = source_bits(source_pages, first_source + row - first_row, stored, stored_width,
              list);
          word = insertBits(word, bits, part * 16u, 16u);
        }
      }
      if (moves) { arena_buf[start + i] = word; }
    }
  }
}
