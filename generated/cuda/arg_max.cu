/*
 * The place of each row's largest logit, of equal ones the lowest; what is no number is never the largest,
 * and a row of nothing else gives 0. Greedy decoding reads this one number and no logits.
 *
 * Generated from kernels/ops/arg_max.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *logits; /* f32 [nLogits, width] */
  u32 *picks; /* u32 [nLogits] */
  const u32 *step; /* u32 [stepFields] */
  u32 width; /* logits of a row, at least one */
};
KERF_AT(logits, 0);
KERF_AT(picks, 8);
KERF_AT(step, 16);
KERF_AT(width, 24);

static constexpr u32 THREADS = 1024; /* of a block */

/* Logits as whole numbers in the same order; −0 is 0, and what is no number comes before all. */
KERF_INLINE u32 order_of(float x)
{
  if (x != x) return 0;
  if (x == 0.0f) return 0x80000000u;
  const u32 bits = kerf_bits(x);
  return bits < 0x80000000u ? bits | 0x80000000u : ~bits;
}

/* One block: one row at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
arg_max(const __grid_constant__ struct args args)
{
  __shared__ u64 largest[THREADS];
  const u32 width = args.width;
  const u32 thread = kerf_thread();
  const u32 n_items = args.step[2]; /* nLogits */

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const float *logits = args.logits + (u64)row * width;

    /* The order above the complement of the place: of equal logits the lowest place is the largest. */
    u64 own = 0;
    for (u32 c = thread; c < width; c += THREADS) {
      const u64 candidate = (u64)order_of(logits[c]) << 32 | ~c;
      if (candidate > own) own = candidate;
    }
    largest[thread] = own;
    kerf_sync_threads();
    for (u32 half = THREADS / 2; half > 0; half /= 2) {
      if (thread < half && largest[thread + half] > largest[thread]) {
        largest[thread] = largest[thread + half];
      }
      kerf_sync_threads();
    }
    if (thread == 0) args.picks[row] = ~(u32)largest[0];
    kerf_sync_threads();
  }
}
