/*
 * Codes rows of a stream as encode_rows does, in an order of their own: which full rows come one after the
 * other is in `order`, so that rows of one class lie together.
 *
 * Generated from kernels/ops/encode_ordered_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *src_pages; /* u32 [nKvHeads, page_entries] */
  const u32 *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *channels; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  const u32 *moves; /* u32 [nLayers, nKvHeads, 4] */
  const u32 *order; /* u32 [nKvHeads, max_rows] */
  u8 *arena; /* u8 [arenaBytes] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in both page tables */
  u32 src_page; /* the source segment's first page entry */
  u32 dst_page; /* the destination segment's first page entry */
  u32 max_rows; /* rows of the longest order */
  u32 n_key_lists; /* lists of a head */
  u32 key_list; /* that of the coded segment */
};
KERF_AT(src_pages, 0);
KERF_AT(dst_pages, 8);
KERF_AT(channels, 16);
KERF_AT(moves, 24);
KERF_AT(order, 32);
KERF_AT(arena, 40);
KERF_AT(slot, 48);
KERF_AT(layer, 52);
KERF_AT(n_layers, 56);
KERF_AT(n_kv_heads, 60);
KERF_AT(page_entries, 64);
KERF_AT(src_page, 68);
KERF_AT(dst_page, 72);
KERF_AT(max_rows, 76);
KERF_AT(n_key_lists, 80);
KERF_AT(key_list, 84);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_codes.h"

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 ROWS = 64; /* of one item */
static constexpr u32 TILE = 16; /* rows of a tile of whole rows */
static constexpr u32 BITS = 4;
static constexpr u32 CELL_WORDS = BITS / 2; /* sixteen codes */
static constexpr u32 LOW_BITS = 2; /* of the second class of channels */
static constexpr u32 LOW_CELL_WORDS = LOW_BITS / 2;
static constexpr u32 GROUP_SIZE = 64; /* values that share a scale and a minimum */
static constexpr u32 HEAD_BYTES = 0; /* positions before a page's first row */
static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

KERF_INLINE u8 *page_of(u8 *arena, const u32 *pages, u32 row)
{
  return arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT;
}

/* Values of the source that share a group, from one channel of one row on. */
struct source_values {
  u8 *arena;
  const u32 *pages, *order;
  u32 row, channel; /* the row's place in `order` */
};

/* The i-th of them. */
KERF_INLINE float load_value(const source_values &source, u32 i)
{
  const u32 row = source.order[source.row + i], channel = source.channel, in_page = row % PAGE_ROWS;
  const kerf_f16 *page = (const kerf_f16 *)(page_of(source.arena, source.pages, row) + HEAD_BYTES);
  return kerf_load_f16(page + in_page / TILE * TILE * HEAD_DIM + channel * TILE + in_page % TILE);
}

/* Codes n values, a multiple of 16, into cells that lie `stride` words apart; their group's word. */
KERF_INLINE u32 encode(const source_values &source, u32 n, const u32 bits, u32 *cells, u32 stride)
{
  const u32 cell_words = bits / 2;
  float smallest = load_value(source, 0), largest = smallest;
  for (u32 i = 1; i < n; i++) {
    const float x = load_value(source, i);
    smallest = kerf_min(smallest, x);
    largest = kerf_max(largest, x);
  }
  const u32 word = kerf_group_word(smallest, largest, bits);
  const kerf_group group = kerf_group_of(word);
  for (u32 w = 0; w < n * bits / 32; w++) {
    u32 codes = 0;
    /* Of a cell's word w: byte i mod 4, the codes of a byte 2·bits elements apart. */
    for (u32 i = 0; i < 32 / bits; i++) {
      const u32 element = w / cell_words * 16 + w % cell_words * 4 + i % 4 + i / 4 * 2 * bits;
      codes |= kerf_code_of(load_value(source, element), group, bits) << (i % 4 * 8 + i / 4 * bits);
    }
    cells[w / cell_words * stride + w % cell_words] = codes;
  }
  return word;
}

/* One block: ROWS rows of one KV head's move at a time. Their pages are not among the source's. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
encode_ordered_rows__f16t16__list_mean_q42r64t16(const __grid_constant__ struct args args)
{
  const u32 n_blocks = (args.max_rows + ROWS - 1) / ROWS;
  const u32 n_items = args.n_kv_heads * n_blocks;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item / n_blocks, first_row = item % n_blocks * ROWS;
    const u32 *move = args.moves + 4 * ((u64)args.layer * args.n_kv_heads + head);
    if (first_row >= move[2]) continue;
    const u32 source_row = move[0] + first_row, row = move[1] + first_row;
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + head;
    const u32 *source_pages = args.src_pages + (u64)head * args.page_entries + args.src_page;
    const u32 *pages = args.dst_pages + place * args.page_entries + args.dst_page;
    const u32 *order = args.order + (u64)head * args.max_rows;
    /* One unit of rows, a channel a thread, those of the first class before those of the second. */
    const u32 n_stored = move[3] & 0xffffu, n_high = move[3] >> 16, n_low = n_stored - n_high;
    const u32 tile_words = n_high * CELL_WORDS + n_low * LOW_CELL_WORDS,
        code_words = tile_words * (GROUP_SIZE / 16);
    u32 *unit = (u32 *)(page_of(args.arena, pages, row) + HEAD_BYTES)
        + row % PAGE_ROWS / GROUP_SIZE * (code_words + n_stored);
    for (u32 c = kerf_thread(); c < n_stored; c += THREADS) {
      const source_values source = {args.arena, source_pages, order, source_row,
          args.channels[(place * args.n_key_lists + args.key_list) * HEAD_DIM + c]};
      unit[code_words + c] = c < n_high
      ? encode(source, GROUP_SIZE, BITS, unit + c * CELL_WORDS, tile_words)
      : encode(source, GROUP_SIZE, LOW_BITS,
          unit + n_high * CELL_WORDS + (c - n_high) * LOW_CELL_WORDS, tile_words);
    }
  }
}
