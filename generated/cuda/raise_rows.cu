/*
 * Gives rows that a head keeps before heads share their budgets the largest score there is.
 *
 * Generated from kernels/ops/raise_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *kept; /* u32 [nKvHeads, max_rows] */
  const u32 *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  float *token_scores; /* f32 [nKvHeads, max_rows] */
  u32 layer;
  u32 n_kv_heads;
  u32 max_rows; /* rows of the longest head */
};
KERF_AT(kept, 0);
KERF_AT(kept_counts, 8);
KERF_AT(token_scores, 16);
KERF_AT(layer, 24);
KERF_AT(n_kv_heads, 28);
KERF_AT(max_rows, 32);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 LARGEST = 0x7f7fffffu; /* the bits of the largest f32 */

/* One block: one KV head at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
raise_rows(const __grid_constant__ struct args args)
{
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const u32 n_kept = args.kept_counts[2 * ((u64)args.layer * args.n_kv_heads + kv_head) + 1];
    const u64 scores = (u64)kv_head * args.max_rows;
    for (u32 i = kerf_thread(); i < n_kept; i += THREADS) {
      args.token_scores[scores + args.kept[scores + i]] = kerf_from_bits(LARGEST);
    }
  }
}
