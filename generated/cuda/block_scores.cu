/*
 * The score of each row that may be evicted becomes that of its block: rows whose positions, over the block's
 * size, have one whole part. They meet in their mean or their largest. Protected rows belong to none, so a
 * block that reaches into them is that much smaller.
 *
 * Generated from kernels/ops/block_scores.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u8 *arena; /* u8 [arenaBytes] */
  const float *token_scores; /* f32 [nKvHeads, max_rows] */
  const u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  float *block_scores; /* f32 [nKvHeads, max_rows] */
  u32 *block_starts; /* u32 [nKvHeads, max_rows] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in pages */
  u32 value_page; /* the first one of values that carry positions */
  u32 block_rows; /* positions of a block */
  u32 takes_max; /* rows meet in their largest, else in their mean */
  u32 protect_first;
  u32 protect_last;
  u32 max_rows; /* rows of the longest head */
};
KERF_AT(pages, 0);
KERF_AT(arena, 8);
KERF_AT(token_scores, 16);
KERF_AT(cuts, 24);
KERF_AT(block_scores, 32);
KERF_AT(block_starts, 40);
KERF_AT(slot, 48);
KERF_AT(layer, 52);
KERF_AT(n_layers, 56);
KERF_AT(n_kv_heads, 60);
KERF_AT(page_entries, 64);
KERF_AT(value_page, 68);
KERF_AT(block_rows, 72);
KERF_AT(takes_max, 76);
KERF_AT(protect_first, 80);
KERF_AT(protect_last, 84);
KERF_AT(max_rows, 88);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page, whose positions are at its head */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */

/* The block of a row: its position over the block's size. */
KERF_INLINE u32 block_of(const struct args &args, const u32 *pages, u32 row)
{
  const u8 *page = args.arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT;
  return ((const u32 *)page)[row % PAGE_ROWS] / args.block_rows;
}

/* One block: THREADS rows of one KV head at a time, a row a thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
block_scores(const __grid_constant__ struct args args)
{
  const u32 n_spans = (args.max_rows + THREADS - 1) / THREADS;
  const u32 n_items = args.n_kv_heads * n_spans;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / n_spans, row = item % n_spans * THREADS + kerf_thread();
    const u32 n_rows = args.cuts[4 * ((u64)args.layer * args.n_kv_heads + kv_head) + 1];
    const u32 begin = args.protect_first;
    if (n_rows <= begin + args.protect_last || row < begin || row >= n_rows - args.protect_last)
      continue;

    const u32 end = n_rows - args.protect_last;
    const u64 head = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + kv_head;
    const u32 *pages = args.pages + head * args.page_entries + args.value_page;
    const float *scores = args.token_scores + (u64)kv_head * args.max_rows;
    const u32 block = block_of(args, pages, row);
    u32 start = row;
    while (start > begin && block_of(args, pages, start - 1) == block) start--;
    float total = scores[start];
    u32 next = start + 1;
    for (; next < end && block_of(args, pages, next) == block; next++) {
      total = args.takes_max ? kerf_max(total, scores[next]) : total + scores[next];
    }
    const u64 place = (u64)kv_head * args.max_rows + row;
    args.block_scores[place] = args.takes_max ? total : total / (float)(next - start);
    args.block_starts[place] = start;
  }
}
