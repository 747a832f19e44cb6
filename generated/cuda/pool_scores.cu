/*
 * One score for every row that may be evicted: neighbours meet in each of `n_sources` heads, then the heads
 * do. Protected rows are no neighbours, and their scores are not written.
 *
 * Generated from kernels/ops/pool_scores.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *row_scores; /* f32 [nSources, max_rows] */
  const u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  float *token_scores; /* f32 [nKvHeads, max_rows] */
  u32 layer;
  u32 n_kv_heads;
  u32 n_sources; /* heads of row_scores that meet */
  u32 source_step; /* from the first one of a KV head to the next KV head's */
  u32 takes_max; /* heads meet in their largest, else in their mean */
  u32 pools_max; /* neighbours meet in their largest, else in their mean */
  u32 pool_width; /* rows that meet, odd */
  u32 protect_first;
  u32 protect_last;
  u32 max_rows; /* rows of the longest head */
};
KERF_AT(row_scores, 0);
KERF_AT(cuts, 8);
KERF_AT(token_scores, 16);
KERF_AT(layer, 24);
KERF_AT(n_kv_heads, 28);
KERF_AT(n_sources, 32);
KERF_AT(source_step, 36);
KERF_AT(takes_max, 40);
KERF_AT(pools_max, 44);
KERF_AT(pool_width, 48);
KERF_AT(protect_first, 52);
KERF_AT(protect_last, 56);
KERF_AT(max_rows, 60);

static constexpr u32 THREADS = 128; /* of a block */

/* Rows first … end − 1 of one head met: their largest, or their sum over `divisor`. */
KERF_INLINE float meet(const float *scores, u32 first, u32 end, bool takes_max, float divisor)
{
  float total = scores[first];
  for (u32 row = first + 1; row < end; row++) {
    total = takes_max ? kerf_max(total, scores[row]) : total + scores[row];
  }
  return takes_max ? total : total / divisor;
}

/* One block: THREADS rows of one KV head at a time, a row a thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
pool_scores(const __grid_constant__ struct args args)
{
  const u32 n_blocks = (args.max_rows + THREADS - 1) / THREADS;
  const u32 n_items = args.n_kv_heads * n_blocks;
  const u32 reach = args.pool_width / 2;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / n_blocks, row = item % n_blocks * THREADS + kerf_thread();
    const u32 n_rows = args.cuts[4 * ((u64)args.layer * args.n_kv_heads + kv_head) + 1];
    const u32 begin = args.protect_first;
    if (n_rows <= begin + args.protect_last || row < begin || row >= n_rows - args.protect_last)
      continue;

    const u32 end = n_rows - args.protect_last;
    const u32 from = row - begin > reach ? row - reach : begin;
    const u32 to = end - row > reach ? row + reach + 1 : end;
    const float *sources = args.row_scores + (u64)kv_head * args.source_step * args.max_rows;
    float total = 0.0f;
    for (u32 i = 0; i < args.n_sources; i++) {
      const float pooled = meet(
        sources + (u64)i * args.max_rows, from, to, args.pools_max != 0, (float)args.pool_width);
      total = i == 0 ? pooled : args.takes_max ? kerf_max(total, pooled) : total + pooled;
    }
    args.token_scores[(u64)kv_head * args.max_rows + row] = args.takes_max ? total
        : total / (float)args.n_sources;
  }
}
