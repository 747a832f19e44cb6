/*
 * The softmax of each query head's expected logits over the rows behind the first protected ones: the largest
 * logit, the sum of e^(logit − largest).
 *
 * Generated from kernels/ops/expected_sums.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *expected_logits; /* f32 [nHeads, max_rows] */
  const u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  float *expected_sums; /* f32 [nHeads, 2] */
  u32 layer;
  u32 n_heads;
  u32 n_kv_heads;
  u32 protect_first;
  u32 max_rows; /* rows of the longest head */
};
KERF_AT(expected_logits, 0);
KERF_AT(cuts, 8);
KERF_AT(expected_sums, 16);
KERF_AT(layer, 24);
KERF_AT(n_heads, 28);
KERF_AT(n_kv_heads, 32);
KERF_AT(protect_first, 36);
KERF_AT(max_rows, 40);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_softmax.h"

/* One block: one query head at a time. Each thread has every THREADS-th row; they meet in a tree. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
expected_sums(const __grid_constant__ struct args args)
{
  __shared__ float shared[THREADS];
  const u32 thread = kerf_thread(), group = args.n_heads / args.n_kv_heads;
  const u32 n_items = args.n_heads;

  for (u32 head = kerf_block(); head < n_items; head += kerf_n_blocks()) {
    const u32 n_rows = args.cuts[4 * ((u64)args.layer * args.n_kv_heads + head / group) + 1];
    const float *logits = args.expected_logits + (u64)head * args.max_rows;
    float largest = KERF_MASKED;
    for (u32 row = args.protect_first + thread; row < n_rows; row += THREADS) {
      largest = kerf_larger_logit(largest, logits[row]);
    }
    shared[thread] = largest;
    kerf_sync_threads();
    for (u32 half = THREADS / 2; half > 0; half /= 2) {
      if (thread < half) shared[thread] = kerf_larger_logit(shared[thread], shared[thread + half]);
      kerf_sync_threads();
    }
    largest = shared[0];
    kerf_sync_threads();
    float sum = 0.0f;
    for (u32 row = args.protect_first + thread; row < n_rows; row += THREADS)
      sum = sum + kerf_exp(logits[row] - largest);
    shared[thread] = sum;
    kerf_sync_threads();
    for (u32 half = THREADS / 2; half > 0; half /= 2) {
      if (thread < half) shared[thread] = shared[thread] + shared[thread + half];
      kerf_sync_threads();
    }
    if (thread == 0) {
      args.expected_sums[2 * (u64)head] = largest;
      args.expected_sums[2 * (u64)head + 1] = shared[0];
    }
    kerf_sync_threads();
  }
}
