/*
 * Leaves each row of keys as many channels as the move says, its own: those with the largest score · (k −
 * fill)². Equal ones keep the lower channel; one that is no number goes first.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/thin_rows.ts by `deno task gen`. Do not edit.
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
@group(0) @binding(2) var<storage, read> scores_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(3) var<storage, read> fills_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(4) var<storage, read> moves_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(5) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(6) var<uniform> params: Params;

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

var<workgroup> order: array<u32, HEAD_DIM>;
var<workgroup> kept: array<u32, HEAD_DIM>;
/* Two rows, which are whole words together. */
var<workgroup> halves: array<u32, 2u * (SET_HALVES + HEAD_DIM)>;

/* The order of a negative infinity, which what is no number shares. */
const LOWEST = 0x007fffffu;

/* One element of a whole row, as the half that it is stored as and as it reads. */
fn source_bits(pages: u32, row: u32, channel: u32) -> u32 {
  let in_page = row % PAGE_ROWS;
  let at = in_page / ROWS * ROWS * HEAD_DIM + channel * ROWS + in_page % ROWS;
  let page = src_pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS;
  return half_at(2u * page + at);
}
fn element_of(bits: u32) -> f32 { return unpack2x16float(bits).x; }
fn half_of(bits: u32) -> u32 { return bits; }

/* Makes a row of the channels of the largest score · (key - fill)², at the half `to` of `halves`. */
fn thin_row(source_pages: u32, row: u32, place: u32, width: u32, to: u32, lane: u32) {
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    let off = element_of(source_bits(source_pages, row, c)) - fills_buf[place * HEAD_DIM + c];
    order[c] = max(kerf_order(scores_buf[place * HEAD_DIM + c] * off * off), LOWEST);
  }
  workgroupBarrier();
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    /* Channels that come before c in the order of what they are worth, equal ones by index. */
    var rank = 0u;
    for (var other = 0u; other < HEAD_DIM; other++) {
      rank += u32(order[other] > order[c] || (order[other] == order[c] && other < c));
    }
    kept[c] = u32(rank < width);
  }
  workgroupBarrier();
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    if (kept[c] == 1u) {
      var stored = to + SET_HALVES;
      for (var other = 0u; other < c; other++) { stored += kept[other]; }
      halves[stored] = half_of(source_bits(source_pages, row, c));
    }
  }
  for (var half = lane; half < SET_HALVES; half += WORKGROUP) {
    var bits = 0u;
    for (var bit = 0u; bit < 16u; bit++) { bits |= kept[16u * half + bit] << bit; }
    halves[to + half] = bits;
  }
  workgroupBarrier();
}

/*
 * One work group: blocks of ROWS destination rows, counted from the segment's start, of one KV head's move,
 * two rows at a time. A thread makes whole words and keeps the halves of a row outside the move.
 */
@compute @workgroup_size(WORKGROUP)
fn thin_rows__f16t16__bitmap_mean_f16t1(
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
    let start = 2u * dst_pages_buf[pages + block * ROWS / PAGE_ROWS] * UNIT_WORDS
        + block * ROWS % PAGE_ROWS * row_halves;
    for (var two = 0u; two < ROWS; two += 2u) {
      for (var i = 0u; i < 2u; i++) {
        let row = block * ROWS + two + i;
        if (row >= first_row && row < first_row + n_rows) {
          thin_row(source_pages, first_source + row - first_row, place, row_halves - SET_HALVES,
              i * row_halves, lane);
        }
      }
      for (var i = lane; i < row_halves; i += WORKGROUP) {
        let at = (start + two * row_halves) / 2u + i;
        for (var part = 0u; part < 2u; part++) {
          let half = 2u * i + part;
          let row = block * ROWS + two + half / row_halves;
          /* Words past the last row may be another page's. */
          if (row < first_row || row >= first_row + n_rows) { continue; }
          arena_buf[at] = insertBits(arena_buf[at], halves[half], part * 16u, 16u);
        }
      }
      workgroupBarrier();
    }
  }
}
