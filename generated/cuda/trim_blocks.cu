/*
 * Leaves out the rows of a block that was chosen in part: the last one that the budget reached. A head that
 * has nothing else keeps them.
 *
 * Generated from kernels/ops/trim_blocks.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *block_starts; /* u32 [nKvHeads, max_rows] */
  const u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  u32 *kept; /* u32 [nKvHeads, max_rows] */
  u32 *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  u32 layer;
  u32 n_kv_heads;
  u32 protect_first;
  u32 protect_last;
  u32 max_rows; /* rows of the longest head */
};
KERF_AT(block_starts, 0);
KERF_AT(cuts, 8);
KERF_AT(kept, 16);
KERF_AT(kept_counts, 24);
KERF_AT(layer, 32);
KERF_AT(n_kv_heads, 36);
KERF_AT(protect_first, 40);
KERF_AT(protect_last, 44);
KERF_AT(max_rows, 48);

static constexpr u32 THREADS = 128; /* of a block */

/* One block: one KV head at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
trim_blocks(const __grid_constant__ struct args args)
{
  __shared__ u32 last; /* the place in the list behind the cut block; 0: none is cut */
  const u32 thread = kerf_thread();
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const u64 place = (u64)args.layer * args.n_kv_heads + kv_head;
    const u32 n_listed = args.cuts[4 * place], n_rows = args.cuts[4 * place + 1];
    const u32 *starts = args.block_starts + (u64)kv_head * args.max_rows;
    u32 *kept = args.kept + (u64)kv_head * args.max_rows;
    u32 *counts = args.kept_counts + 2 * place;
    const u32 n_kept = counts[1];
    if (thread == 0) last = 0;
    kerf_sync_threads();
    for (u32 i = thread; i < n_kept; i += THREADS) {
      const u32 row = kept[i], next = row + 1;
      if (row < args.protect_first || next + args.protect_last >= n_rows) continue;
      const bool goes_on = i + 1 < n_kept && kept[i + 1] == next;
      if (starts[next] == starts[row] && !goes_on) last = i + 1;
    }
    kerf_sync_threads();

    /* Ties keep the lower row: of the block all are there up to its last one. */
    const u32 end = last, row = end > 0 ? kept[end - 1] : 0;
    const u32 start = end > 0 ? starts[row] : 0, n_cut = end > 0 ? row + 1 - start : 0;
    kerf_sync_threads();
    if (n_cut == 0 || n_cut == n_kept) continue;
    for (u32 first = end; first < n_kept; first += THREADS) {
      const u32 i = first + thread, moved = i < n_kept ? kept[i] : 0;
      kerf_sync_threads();
      if (i < n_kept) kept[i - n_cut] = moved;
      kerf_sync_threads();
    }
    if (thread == 0) {
      counts[1] = n_kept - n_cut;
      counts[0] -= n_listed <= start ? 0 : kerf_min_u32(n_listed - start, n_cut);
    }
  }
}
