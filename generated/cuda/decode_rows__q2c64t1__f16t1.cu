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
};
KERF_AT(src_pages, 0);
KERF_AT(dst_pages, 8);
KERF_AT(moves, 16);
KERF_AT(arena, 24);
KERF_AT(slot, 32);
KERF_AT(layer, 36);
KERF_AT(n_layers, 40);
KERF_AT(n_kv_heads, 44);
KERF_AT(page_entries, 48);
KERF_AT(src_page, 52);
KERF_AT(dst_page, 56);
KERF_AT(max_rows, 60);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_codes.h"

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 ROWS = 16; /* of one item */
static constexpr u32 TILE = 1; /* rows of a tile of whole rows */
static constexpr u32 BITS = 2;
static constexpr u32 CELL_WORDS = BITS / 2; /* sixteen codes */
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
decode_rows__q2c64t1__f16t1(const __grid_constant__ struct args args)
{
  const u32 n_blocks = (args.max_rows + ROWS - 1) / ROWS;
  const u32 n_items = args.n_kv_heads * n_blocks;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item / n_blocks, first_row = item % n_blocks * ROWS;
    const u32 *move = args.moves + 4 * ((u64)args.layer * args.n_kv_heads + head);
    if (first_row >= move[2]) continue;
    const u32 n_rows = kerf_min_u32(move[2] - first_row, ROWS);
    const u32 source_row = move[0] + first_row, row = move[1] + first_row;
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + head;
    const u32 *source_pages = args.src_pages + (u64)head * args.page_entries + args.src_page;
    const u32 *pages = args.dst_pages + place * args.page_entries + args.dst_page;
    const u32 CODE_WORDS = HEAD_DIM * BITS / 32,
        N_GROUPS = (HEAD_DIM + GROUP_SIZE - 1) / GROUP_SIZE;
    for (u32 i = kerf_thread(); i < n_rows * HEAD_DIM; i += THREADS) {
      const u32 r = i / HEAD_DIM, c = i % HEAD_DIM;
      const u32 *codes = (const u32 *)(page_of(args.arena, source_pages, source_row + r)
          + HEAD_BYTES) + (source_row + r) % PAGE_ROWS * (CODE_WORDS + N_GROUPS);
      const kerf_group group = kerf_group_of(codes[CODE_WORDS + c / GROUP_SIZE]);
      const float x = kerf_decode(group, (const u8 *)(codes + c / 16 * CELL_WORDS), c % 16, BITS);
      kerf_store_f16(row_place(args.arena, pages, row + r) + c * TILE, x);
    }
  }
}
