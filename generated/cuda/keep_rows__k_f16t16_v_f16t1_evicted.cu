/*
 * Moves the kept rows of a layer to the front of their pages, in order: every segment of keys in itself, values
 * with their positions. `heads` still has the rows before. Where keys are rotated by their place, they are
 * turned back by as much as they move. One item takes a KV head's rows one after the other, so that no row is
 * written before it is read.
 *
 * Generated from kernels/ops/keep_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const u32 *kept; /* u32 [nKvHeads, max_rows] */
  const u32 *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  u8 *arena; /* u8 [arenaBytes] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in the block table */
  u32 max_rows; /* rows of the longest head before */
  u32 key_page_0; /* the segment's first page entry */
  u32 value_page_0;
};
KERF_AT(pages, 0);
KERF_AT(heads, 8);
KERF_AT(kept, 16);
KERF_AT(kept_counts, 24);
KERF_AT(arena, 32);
KERF_AT(slot, 40);
KERF_AT(layer, 44);
KERF_AT(n_layers, 48);
KERF_AT(n_kv_heads, 52);
KERF_AT(page_entries, 56);
KERF_AT(max_rows, 60);
KERF_AT(key_page_0, 64);
KERF_AT(value_page_0, 68);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 POSITION_BYTES = 4 * PAGE_ROWS; /* at the head of a page of values */
static constexpr u32 ROWS = 16; /* at a time, one of each thread */
static constexpr u32 CHANNEL_STEP = THREADS / ROWS; /* between the channels of a thread */
static constexpr u32 N_OWN = (HEAD_DIM + CHANNEL_STEP - 1) / CHANNEL_STEP; /* channels of a thread, at most */

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

/* One block: one KV head at a time, ROWS kept rows after ROWS. They only move toward the front. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
keep_rows__k_f16t16_v_f16t1_evicted(const __grid_constant__ struct args args)
{
  const u32 n_items = args.n_kv_heads;
  const u32 lane = kerf_thread() % ROWS, first_channel = kerf_thread() / ROWS;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + kv_head;
    const u32 *counts = args.kept_counts + 2 * ((u64)args.layer * args.n_kv_heads + kv_head);
    const u32 *kept = args.kept + (u64)kv_head * args.max_rows;
    const u32 *pages = args.pages + place * args.page_entries;
    for (u32 block = 0; block < counts[1]; block += ROWS) {
      const u32 i = block + lane;
      const bool stays = i < counts[1];
      const u32 from = stays ? kept[i] : 0;
      const u32 width = HEAD_DIM, row = from, new_row = i, page = args.key_page_0;
      kerf_f16 key[N_OWN];
      kerf_f16 value[N_OWN];
      i32 position = 0;
      if (stays) {
        position = ((const i32 *)page_of(args, pages + args.value_page_0, from))[from % PAGE_ROWS];
        const kerf_f16 *value_source = value_place(args, pages + args.value_page_0, from);
        const kerf_f16 *source = key_place(args, pages + page, row, width);
        KERF_UNROLL for (u32 n = 0; n < N_OWN; n++) {
          const u32 c = first_channel + n * CHANNEL_STEP;
          if (c < HEAD_DIM) value[n] = value_source[c];
          if (c >= width) continue;
          key[n] = source[c * TILE_ROWS];
        }
      }
      /* All of these rows are read before one is written; those behind lie behind what is written. */
      kerf_sync_threads();
      if (!stays) continue;
      if (first_channel == 0)
        ((i32 *)page_of(args, pages + args.value_page_0, i))[i % PAGE_ROWS] = position;
      kerf_f16 *value_destination = value_place(args, pages + args.value_page_0, i);
      kerf_f16 *destination = key_place(args, pages + page, new_row, width);
      KERF_UNROLL for (u32 n = 0; n < N_OWN; n++) {
        const u32 c = first_channel + n * CHANNEL_STEP;
        if (c < HEAD_DIM) value_destination[c] = value[n];
        if (c < width) destination[c * TILE_ROWS] = key[n];
      }
    }
  }
}
