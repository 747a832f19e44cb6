/*
 * Codes rows of a stream as encode_rows does, in an order of their own: which full rows come one after the
 * other is in `order`, so that rows of one class lie together.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/encode_ordered_rows.ts by `deno task gen`. Do not edit.
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
  max_rows: u32, /* rows of the longest order */
  n_key_lists: u32, /* lists of a head */
  key_list: u32, /* that of the coded segment */
}

@group(0) @binding(0) var<storage, read> src_pages_buf: array<u32>; /* u32 [nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> dst_pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(2) var<storage, read> channels_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(3) var<storage, read> moves_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(4) var<storage, read> order_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(5) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const ROWS = 64u; /* of one item */
const TILE = 16u; /* rows of a tile of the source */
const BITS = 4u;
const CELL_WORDS = BITS / 2u; /* sixteen codes */
const LOW_BITS = 2u; /* of the second class of channels */
const LOW_CELL_WORDS = LOW_BITS / 2u;
const GROUP_SIZE = 64u; /* values that share a scale and a minimum */
const HEAD_WORDS = 0u; /* positions before a page's first row */
const_assert HEAD_DIM % 16u == 0u;

/* Values of the source that share a group, from one channel of one row on; `pages` is its first entry, the row a place in `order`. */
struct Source {
  pages: u32,
  row: u32,
  channel: u32,
}

/* The i-th of them. */
fn load_value(source: Source, i: u32) -> f32 {
  let row = order_buf[source.row + i];
  let channel = source.channel;
  let in_page = row % PAGE_ROWS;
  let page = src_pages_buf[source.pages + row / PAGE_ROWS] * UNIT_WORDS + HEAD_WORDS;
  let at = in_page / TILE * TILE * HEAD_DIM + channel * TILE + in_page % TILE;
  return unpack2x16float(arena_buf[page + at / 2u])[at % 2u];
}

/* Codes n values, a multiple of 16, into cells that lie `stride` words apart; their group's word. */
fn encode(source: Source, n: u32, bits: u32, cells: u32, stride: u32) -> u32 {
  let cell_words = bits / 2u;
  var smallest = load_value(source, 0u);
  var largest = smallest;
  for (var i = 1u; i < n; i++) {
    let x = load_value(source, i);
    smallest = kerf_min(smallest, x);
    largest = kerf_max(largest, x);
  }
  let word = kerf_group_word(smallest, largest, bits);
  let group = unpack2x16float(word);
  for (var w = 0u; w < n * bits / 32u; w++) {
    var codes = 0u;
    /* Of a cell's word: byte i mod 4, the codes of a byte 2·bits elements apart. */
    for (var i = 0u; i < 32u / bits; i++) {
      let element = w / cell_words * 16u + w % cell_words * 4u + i % 4u + i / 4u * 2u * bits;
      codes |= kerf_code_of(load_value(source, element), group,
          bits) << (i % 4u * 8u + i / 4u * bits);
    }
    arena_buf[cells + w / cell_words * stride + w % cell_words] = codes;
  }
  return word;
}

/* One work group: ROWS rows of one KV head's move. Their pages are not among the source's. */
@compute @workgroup_size(WORKGROUP)
fn encode_ordered_rows__f16t16__list_mean_q42r64t16(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_blocks = (params.max_rows + ROWS - 1u) / ROWS;
  if (item >= params.n_kv_heads * n_blocks) { return; }
  let head = item / n_blocks;
  let first_row = item % n_blocks * ROWS;
  let rows_moved = 4u * (params.layer * params.n_kv_heads + head);
  if (first_row >= moves_buf[rows_moved + 2u]) { return; }
  let source_row = head * params.max_rows + moves_buf[rows_moved] + first_row;
  let row = moves_buf[rows_moved + 1u] + first_row;
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + head;
  let source_pages = head * params.page_entries + params.src_page;
  let pages = place * params.page_entries + params.dst_page;

  /* One unit of rows, a channel a thread, those of the first class before those of the second. */
  let n_stored = moves_buf[rows_moved + 3u] & 0xffffu;
  let n_high = moves_buf[rows_moved + 3u] >> 16u;
  let tile_words = n_high * CELL_WORDS + (n_stored - n_high) * LOW_CELL_WORDS;
  let code_words = tile_words * (GROUP_SIZE / 16u);
  let unit = dst_pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + HEAD_WORDS
      + row % PAGE_ROWS / GROUP_SIZE * (code_words + n_stored);
  for (var c = lane; c < n_stored; c += WORKGROUP) {
    let source = Source(source_pages, source_row,
        channels_buf[(place * params.n_key_lists + params.key_list) * HEAD_DIM + c]);
    let is_high = c < n_high;
    let cells = unit
        + select(n_high * CELL_WORDS + (c - n_high) * LOW_CELL_WORDS, c * CELL_WORDS, is_high);
    arena_buf[unit + code_words + c] = encode(source, GROUP_SIZE, select(LOW_BITS, BITS, is_high),
        cells, tile_words);
  }
}
