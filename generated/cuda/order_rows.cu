/*
 * An order of rows in two classes: those that were chosen, then the others, each ascending. `cuts` says how
 * many rows there are; the first ones, which are chosen whatever their score, are in neither class.
 *
 * Generated from kernels/ops/order_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *kept; /* u32 [nKvHeads, max_rows] */
  const u32 *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  const u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  u32 *order; /* u32 [nKvHeads, max_rows] */
  u32 layer;
  u32 n_kv_heads;
  u32 protect_first;
  u32 max_rows; /* rows of the longest order */
};
KERF_AT(kept, 0);
KERF_AT(kept_counts, 8);
KERF_AT(cuts, 16);
KERF_AT(order, 24);
KERF_AT(layer, 32);
KERF_AT(n_kv_heads, 36);
KERF_AT(protect_first, 40);
KERF_AT(max_rows, 44);

static constexpr u32 THREADS = 128; /* of a block */

/* How many of n ascending rows come before `row`. */
KERF_INLINE u32 count_before(const u32 *rows, u32 n, u32 row)
{
  u32 first = 0;
  while (first < n) {
    const u32 middle = (first + n) / 2;
    if (rows[middle] < row) first = middle + 1;
    else n = middle;
  }
  return first;
}

/* One block: one KV head at a time, a row a thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
order_rows(const __grid_constant__ struct args args)
{
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const u64 place = (u64)args.layer * args.n_kv_heads + kv_head;
    const u32 n_rows = args.cuts[4 * place + 1], begin = args.protect_first;
    const u32 n_chosen = args.kept_counts[2 * place + 1] - begin; /* read where rows are left */
    const u32 *chosen = args.kept + (u64)kv_head * args.max_rows + begin;
    u32 *order = args.order + (u64)kv_head * args.max_rows;
    for (u32 row = begin + kerf_thread(); row < n_rows; row += THREADS) {
      const u32 before = count_before(chosen, n_chosen, row);
      const bool is_chosen = before < n_chosen && chosen[before] == row;
      order[is_chosen ? before : n_chosen + row - begin - before] = row;
    }
  }
}
