/*
 * Moves rows of a stream in an order of their own: which row comes one after the other is in `order`, so that
 * rows that lay by class stand in the order of their tokens again.
 *
 * Generated from kernels/ops/move_ordered_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *src_pages; /* u32 [nKvHeads, page_entries] */
  const u32 *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
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
};
KERF_AT(src_pages, 0);
KERF_AT(dst_pages, 8);
KERF_AT(moves, 16);
KERF_AT(order, 24);
KERF_AT(arena, 32);
KERF_AT(slot, 40);
KERF_AT(layer, 44);
KERF_AT(n_layers, 48);
KERF_AT(n_kv_heads, 52);
KERF_AT(page_entries, 56);
KERF_AT(src_page, 60);
KERF_AT(dst_page, 64);
KERF_AT(max_rows, 68);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 ROWS = 16; /* of one item */
static constexpr u32 SOURCE_TILE = 16, DESTINATION_TILE = 16;

/* Where channel 0 of a row lies; the next channel is `tile` elements on. */
KERF_INLINE kerf_f16 *row_place(u8 *arena, const u32 *pages, u32 row, u32 tile, u32 width)
{
  const u32 in_page = row % PAGE_ROWS;
  kerf_f16 *page = (kerf_f16 *)(arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
  return page + in_page / tile * tile * width + in_page % tile;
}

/* One block: ROWS rows of one KV head's move at a time. Their pages are not among the source's. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
move_ordered_rows__f16t16__f16t16(const __grid_constant__ struct args args)
{
  const u32 n_blocks = (args.max_rows + ROWS - 1) / ROWS;
  const u32 n_items = args.n_kv_heads * n_blocks;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item / n_blocks, first_row = item % n_blocks * ROWS;
    const u32 *move = args.moves + 4 * ((u64)args.layer * args.n_kv_heads + head);
    const u32 n_rows = move[2], width = move[3];
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + head;
    const u32 *source_pages = args.src_pages + (u64)head * args.page_entries + args.src_page;
    const u32 *pages = args.dst_pages + place * args.page_entries + args.dst_page;
    const u32 *order = args.order + (u64)head * args.max_rows;
    /* Rows run fastest: they lie next to each other in a tile. */
    for (u32 i = kerf_thread(); i < ROWS * width; i += THREADS) {
      const u32 row = first_row + i % ROWS, c = i / ROWS;
      if (row >= n_rows) continue;
      const kerf_f16 *from = row_place(args.arena, source_pages, order[move[0] + row], SOURCE_TILE,
          HEAD_DIM);
      kerf_f16 *to = row_place(args.arena, pages, move[1] + row, DESTINATION_TILE, width);
      to[c * DESTINATION_TILE] = from[c * SOURCE_TILE];
    }
  }
}
