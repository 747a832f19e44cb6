/*
 * Moves the kept rows of a layer to the front of their pages, in order: every segment of keys in itself, values
 * with their positions. `heads` still has the rows before. Where keys are rotated by their place, they are
 * turned back by as much as they move. One item takes a KV head's rows one after the other, so that no row is
 * written before it is read.
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
  page_entries: u32, /* entries of a head in the block table */
  max_rows: u32, /* rows of the longest head before */
  key_page_0: u32, /* the segment's first page entry */
  value_page_0: u32,
}

@group(0) @binding(0) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
@group(0) @binding(2) var<storage, read> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(3) var<storage, read> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(4) var<storage, read_write> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const ROWS = 16u; /* at a time: a tile of keys */
const PER_WORD = 2u; /* elements of a word of keys */
const VALUE_WORDS = HEAD_DIM / 2u; /* of a row */
/* Words of ROWS keys, and of ROWS values, that a thread moves. */
const OWN_KEYS = (ROWS * HEAD_DIM / PER_WORD + WORKGROUP - 1u) / WORKGROUP;
const OWN_VALUES = (ROWS * VALUE_WORDS + WORKGROUP - 1u) / WORKGROUP;

/* A segment of keys: its first page entry among all, the kept rows before it, and the rows before it that were there. */
struct KeySegment {
  pages: u32,
  first_kept: u32,
  n_kept: u32,
  rows_before: u32,
  width: u32,
}

/* The bits of one element of a source row. */
fn source_bits(pages: u32, row: u32, channel: u32, width: u32) -> u32 {
  let in_page = row % PAGE_ROWS;
  let at = in_page / ROWS * ROWS * width + channel * ROWS + in_page % ROWS;
  let word = arena_buf[pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + at / PER_WORD];
  return extractBits(word, at % 2u * 16u, 16u);
}

/* Word of the first element of a tile of keys. */
fn tile_word(pages: u32, row: u32, width: u32) -> u32 {
  return pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + row % PAGE_ROWS * width / PER_WORD;
}

/* Word of a value's first channel; positions, then sums, stand at the head of a page, a word each. */
fn value_word(pages: u32, row: u32) -> u32 {
  return pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + 2u * PAGE_ROWS
      + row % PAGE_ROWS * VALUE_WORDS;
}

fn position_word(pages: u32, row: u32) -> u32 {
  return pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS + row % PAGE_ROWS;
}

/*
 * Moves the kept keys of a segment, a tile after the other. Two halves share a word, so a thread makes whole
 * words and keeps the elements behind the last row.
 */
fn keep_keys(kv_head: u32, segment: KeySegment, lane: u32) {
  let n_words = ROWS * segment.width / PER_WORD;
  var words: array<u32, OWN_KEYS>;
  for (var tile = 0u; tile < segment.n_kept; tile += ROWS) {
    let start = tile_word(segment.pages, tile, segment.width);
    for (var n = 0u; n < OWN_KEYS; n++) {
      let i = lane + n * WORKGROUP;
      if (i >= n_words) { break; }
      var word = arena_buf[start + i];
      for (var part = 0u; part < PER_WORD; part++) {
        let element = i * PER_WORD + part;
        let row = tile + element % ROWS;
        if (row < segment.n_kept) {
          let source = kept_buf[kv_head * params.max_rows + segment.first_kept + row]
              - segment.rows_before;
          let bits = source_bits(segment.pages, source, element / ROWS, segment.width);
          word = insertBits(word, bits, part * 16u, 16u);
        }
      }
      words[n] = word;
    }
    /* All of a tile is read before it is written; the rows behind lie behind what is written. */
    storageBarrier();
    for (var n = 0u; n < OWN_KEYS; n++) {
      let i = lane + n * WORKGROUP;
      if (i < n_words) { arena_buf[start + i] = words[n]; }
    }
  }
}

/* One work group: one KV head, ROWS rows after ROWS. They only move toward the front. */
@compute @workgroup_size(WORKGROUP)
fn keep_rows__k_f16t16_v_f16t1_evicted_summed(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  let pages = place * params.page_entries;
  let counts = 2u * (params.layer * params.n_kv_heads + kv_head);
  let n_kept = kept_counts_buf[counts + 1u];
  let whole = KeySegment(pages + params.key_page_0, 0u, n_kept, 0u, HEAD_DIM);
  keep_keys(kv_head, whole, lane);

  let value_pages = pages + params.value_page_0;
  var words: array<u32, OWN_VALUES>;
  for (var block = 0u; block < n_kept; block += ROWS) {
    var position = 0u;
    var sum = 0u; /* its bits */
    if (lane < ROWS && block + lane < n_kept) {
      let source = position_word(value_pages, kept_buf[kv_head * params.max_rows + block + lane]);
      position = arena_buf[source];
      sum = arena_buf[source + PAGE_ROWS];
    }
    for (var n = 0u; n < OWN_VALUES; n++) {
      let i = lane + n * WORKGROUP;
      let row = block + i / VALUE_WORDS;
      if (i < ROWS * VALUE_WORDS && row < n_kept) {
        words[n] = arena_buf[value_word(value_pages, kept_buf[kv_head * params.max_rows + row])
            + i % VALUE_WORDS];
      }
    }
    storageBarrier();
    if (lane < ROWS
        && block + lane < n_kept) { arena_buf[position_word(value_pages, block + lane)] = position;
        }
    if (lane < ROWS
        && block
        + lane < n_kept) { arena_buf[position_word(value_pages, block + lane)
        + PAGE_ROWS] = sum; }
    for (var n = 0u; n < OWN_VALUES; n++) {
      let i = lane + n * WORKGROUP;
      let row = block + i / VALUE_WORDS;
      if (i < ROWS * VALUE_WORDS
          && row < n_kept) { arena_buf[value_word(value_pages, row) + i % VALUE_WORDS] = words[n]; }
    }
  }
}
