/*
 * Leaves each row of keys as many channels as the move says, its own: those with the largest score · (k −
 * fill)². Equal ones keep the lower channel; one that is no number goes first.
 *
 * Generated from kernels/ops/thin_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *src_pages; /* u32 [nKvHeads, page_entries] */
  const u32 *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  const float *fills; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
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
KERF_AT(scores, 16);
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

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_sets.h"

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 ROWS = 16; /* of one item */
static constexpr u32 TILE = 16; /* rows of a tile of whole rows */
static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

KERF_INLINE u8 *page_of(u8 *arena, const u32 *pages, u32 row)
{
  return arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT;
}

/* Where channel 0 of a whole row lies; the next channel is TILE elements on. */
KERF_INLINE kerf_f16 *whole_row(u8 *arena, const u32 *pages, u32 row)
{
  const u32 in_page = row % PAGE_ROWS;
  return (kerf_f16 *)page_of(arena, pages, row) + in_page / TILE * TILE * HEAD_DIM + in_page % TILE;
}

/* Where a row of `width` channels lies. */
KERF_INLINE u16 *thin_row(u8 *arena, const u32 *pages, u32 row, u32 width)
{
  return (u16 *)page_of(arena, pages, row) + row % PAGE_ROWS * kerf_row_halves(width);
}

/* One block: ROWS rows of one KV head's move at a time. Their pages are not among the source's. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
thin_rows__f16t16__bitmap_mean_f16t1(const __grid_constant__ struct args args)
{
  __shared__ float worth[HEAD_DIM];
  __shared__ bool kept[HEAD_DIM];
  const u32 n_blocks = (args.max_rows + ROWS - 1) / ROWS;
  const u32 n_items = args.n_kv_heads * n_blocks;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item / n_blocks, first_row = item % n_blocks * ROWS;
    const u32 *move = args.moves + 4 * ((u64)args.layer * args.n_kv_heads + head);
    const u32 n_rows = move[2], width = move[3];
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + head;
    const u32 *source_pages = args.src_pages + (u64)head * args.page_entries + args.src_page;
    const u32 *pages = args.dst_pages + place * args.page_entries + args.dst_page;
    const float *scores = args.scores + place * HEAD_DIM, *fills = args.fills + place * HEAD_DIM;
    for (u32 i = first_row; i < n_rows && i < first_row + ROWS; i++) {
      const kerf_f16 *from = whole_row(args.arena, source_pages, move[0] + i);
      u16 *to = thin_row(args.arena, pages, move[1] + i, width);
      for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
        const float off = kerf_load_f16(from + c * TILE) - fills[c], x = scores[c] * off * off;
        /* What is no number is worth less than any. */
        worth[c] = x == x ? x : kerf_from_bits(0xff800000u);
      }
      kerf_sync_threads();
      for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
        /* Channels that come before c in the order of what they are worth, equal ones by index. */
        u32 rank = 0;
        for (u32 other = 0; other < HEAD_DIM; other++) {
          rank += worth[other] > worth[c] || (worth[other] == worth[c] && other < c);
        }
        kept[c] = rank < width;
      }
      kerf_sync_threads();
      for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
        if (!kept[c]) continue;
        u32 stored = SET_HALVES;
        for (u32 other = 0; other < c; other++) stored += kept[other];
        to[stored] = from[c * TILE];
      }
      for (u32 half = kerf_thread(); half < SET_HALVES; half += THREADS) {
        u32 bits = 0;
        for (u32 bit = 0; bit < 16; bit++) bits |= (u32)kept[16 * half + bit] << bit;
        to[half] = (u16)bits;
      }
      kerf_sync_threads();
    }
  }
}
