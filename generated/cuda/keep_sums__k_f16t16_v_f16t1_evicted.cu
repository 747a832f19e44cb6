/*
 * Moves the running sums of the kept rows of a layer, which lie behind the rows of a page, as the rows move.
 *
 * Generated from kernels/ops/keep_sums.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
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
KERF_AT(kept, 8);
KERF_AT(kept_counts, 16);
KERF_AT(arena, 24);
KERF_AT(slot, 32);
KERF_AT(layer, 36);
KERF_AT(n_layers, 40);
KERF_AT(n_kv_heads, 44);
KERF_AT(page_entries, 48);
KERF_AT(max_rows, 52);
KERF_AT(key_page_0, 56);
KERF_AT(value_page_0, 60);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 POSITION_BYTES = 4 * PAGE_ROWS; /* at the head of a page of values */
static constexpr u32 SUM_OFFSET = POSITION_BYTES + PAGE_ROWS * HEAD_DIM * sizeof(kerf_f16); /* behind its rows */

/* The running sum of a row; `pages` are those of values. */
KERF_INLINE float *sum_of(const struct args &args, const u32 *pages, u32 row)
{
  u8 *page = args.arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT;
  return (float *)(page + SUM_OFFSET) + row % PAGE_ROWS;
}

/* One block: one KV head at a time, a sum of each thread after the other. They only move toward the front. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
keep_sums__k_f16t16_v_f16t1_evicted(const __grid_constant__ struct args args)
{
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + kv_head;
    const u32 n_kept = args.kept_counts[2 * ((u64)args.layer * args.n_kv_heads + kv_head) + 1];
    const u32 *kept = args.kept + (u64)kv_head * args.max_rows;
    const u32 *pages = args.pages + place * args.page_entries + args.value_page_0;
    for (u32 block = 0; block < n_kept; block += THREADS) {
      const u32 i = block + kerf_thread();
      const float sum = i < n_kept ? *sum_of(args, pages, kept[i]) : 0.0f;
      kerf_sync_threads();
      if (i < n_kept) *sum_of(args, pages, i) = sum;
    }
  }
}
