/*
 * Makes whole rows of coded ones on their way to another segment: code c of a group reads as scale · c +
 * minimum, a channel that is not stored as 0.
 *
 * Generated from kernels/ops/decode_rows.ts by `deno task gen`. Do not edit.
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
  const float *fills; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  const u32 *moves; /* u32 [nLayers, nKvHeads, 4] */
  u8 *arena; /* u8 [arenaBytes] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in both page tables */
  u32 src_page; /* the source segment's first page entry */
  u32 dst_page; /* the destination segment's first page entry */
  u32 max_rows; /* rows of the longest move */
  u32 n_key_lists; /* lists of a head */
  u32 key_list; /* that of the coded segment */
};
KERF_AT(src_pages, 0);
KERF_AT(dst_pages, 8);
KERF_AT(channels, 16);
KERF_AT(fills, 24);
KERF_AT(moves, 32);
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

/* Where channel 0 of a whole row lies; the next channel is TILE elements on. */
KERF_INLINE kerf_f16 *row_place(u8 *arena, const u32 *pages, u32 row)
{
  const u32 in_page = row % PAGE_ROWS;
  kerf_f16 *page = (kerf_f16 *)(page_of(arena, pages, row) + HEAD_BYTES);
  return page + in_page / TILE * TILE * HEAD_DIM + in_page % TILE;
}

/* One block: ROWS rows of one KV head's move at a time. Their pages are not among the source's. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
decode_rows__list_mean_q42r64t16__f16t16(const __grid_constant__ struct args args)
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
    /* One unit of rows, those of the first class before those of the second; rows run fastest. */
    const u32 n_stored = move[3] & 0xffff, n_high = move[3] >> 16;
    const u32 tile_words = n_high * CELL_WORDS + (n_stored - n_high) * LOW_CELL_WORDS,
        code_words = tile_words * (GROUP_SIZE / 16);
    const u32 *unit = (const u32 *)(page_of(args.arena, source_pages, source_row) + HEAD_BYTES)
        + source_row % PAGE_ROWS / GROUP_SIZE * (code_words + n_stored);
    for (u32 i = kerf_thread(); i < GROUP_SIZE * HEAD_DIM; i += THREADS) {
      const u32 r = i % GROUP_SIZE, c = i / GROUP_SIZE;
      const u32 *tile = unit + r / 16 * tile_words;
      float x = args.fills[(place * args.n_key_lists + args.key_list) * HEAD_DIM + c];
      if (c < n_high) {
        x = kerf_decode(kerf_group_of(unit[code_words + c]), (const u8 *)(tile + c * CELL_WORDS),
            r % 16, BITS);
      } else if (c < n_stored) {
        const u32 *cell = tile + n_high * CELL_WORDS + (c - n_high) * LOW_CELL_WORDS;
        x = kerf_decode(kerf_group_of(unit[code_words + c]), (const u8 *)cell, r % 16, LOW_BITS);
      }
      kerf_store_f16(row_place(args.arena, pages, row + r)
          + args.channels[(place * args.n_key_lists + args.key_list) * HEAD_DIM + c] * TILE, x);
    }
  }
}
