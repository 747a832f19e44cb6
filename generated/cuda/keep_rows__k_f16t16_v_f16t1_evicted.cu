/*
 * Copies the kept rows of a layer to new pages, in order: every segment of keys to itself, values with
 * their positions. `heads` still has the rows before. Where keys are rotated by their place, they are turned
 * back by as much as they move.
 *
 * Generated from kernels/ops/keep_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *src_pages; /* u32 [nKvHeads, page_entries] */
  const u32 *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const u32 *kept; /* u32 [nKvHeads, max_rows] */
  const u32 *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  u8 *arena; /* u8 [arenaBytes] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in both page tables */
  u32 max_rows; /* rows of the longest head before */
  u32 key_page_0; /* the segment's first page entry */
  u32 value_page_0;
};
KERF_AT(src_pages, 0);
KERF_AT(dst_pages, 8);
KERF_AT(heads, 16);
KERF_AT(kept, 24);
KERF_AT(kept_counts, 32);
KERF_AT(arena, 40);
KERF_AT(slot, 48);
KERF_AT(layer, 52);
KERF_AT(n_layers, 56);
KERF_AT(n_kv_heads, 60);
KERF_AT(page_entries, 64);
KERF_AT(max_rows, 68);
KERF_AT(key_page_0, 72);
KERF_AT(value_page_0, 76);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 POSITION_BYTES = 4 * PAGE_ROWS; /* at the head of a page of values */
static constexpr u32 ROWS = 16; /* of one item */

KERF_INLINE u8 *page_of(const struct args &args, const u32 *pages, u32 row)
{
  return args.arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT;
}

/* Where channel 0 of a key lies; the next channel is TILE_ROWS elements on. */
KERF_INLINE kerf_f16 *key_place(const struct args &args, const u32 *pages, u32 row, u32 width)
{
  const u32 in_page = row % PAGE_ROWS;
  return (kerf_f16 *)page_of(args, pages, row) + in_page / TILE_ROWS * TILE_ROWS * width
      + in_page % TILE_ROWS;
}

/* Where channel 0 of a value lies. */
KERF_INLINE kerf_f16 *value_place(const struct args &args, const u32 *pages, u32 row)
{
  return (kerf_f16 *)(page_of(args, pages, row) + POSITION_BYTES) + row % PAGE_ROWS * HEAD_DIM;
}

/* One block: ROWS kept rows of one KV head at a time. New pages are none of the old ones. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
keep_rows__k_f16t16_v_f16t1_evicted(const __grid_constant__ struct args args)
{
  const u32 n_blocks = (args.max_rows + ROWS - 1) / ROWS;
  const u32 n_items = args.n_kv_heads * n_blocks;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / n_blocks, block = item % n_blocks * ROWS;
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + kv_head;
    const u32 *counts = args.kept_counts + 2 * ((u64)args.layer * args.n_kv_heads + kv_head);
    const u32 *kept = args.kept + (u64)kv_head * args.max_rows;
    const u32 *from = args.src_pages + (u64)kv_head * args.page_entries;
    const u32 *to = args.dst_pages + place * args.page_entries;
    /* Rows run fastest: keys lie next to each other in a tile. */
    for (u32 element = kerf_thread(); element < ROWS * HEAD_DIM; element += THREADS) {
      const u32 i = block + element % ROWS, c = element / ROWS;
      if (i >= counts[1]) continue;
      if (c == 0) {
        const i32 *source = (const i32 *)page_of(args, from + args.value_page_0, kept[i]);
        ((i32 *)page_of(args, to + args.value_page_0,
            i))[i % PAGE_ROWS] = source[kept[i] % PAGE_ROWS];
      }
      value_place(args, to + args.value_page_0, i)[c] = value_place(args, from + args.value_page_0,
          kept[i])[c];
      const u32 width = HEAD_DIM, row = kept[i], new_row = i, page = args.key_page_0;
      const kerf_f16 *source = key_place(args, from + page, row, width);
      kerf_f16 *destination = key_place(args, to + page, new_row, width);
      destination[c * TILE_ROWS] = source[c * TILE_ROWS];
    }
  }
}
