/*
 * The place of each row's largest logit, of equal ones the lowest, from the largest of each group of them and
 * its place; what is no number is never the largest, and a row of nothing else gives its first place. Greedy
 * decoding reads this one number, and no logits are stored.
 *
 * Generated from kernels/ops/arg_max.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *largest; /* f32 [nLogits, n_groups] */
  const u32 *places; /* u32 [nLogits, n_groups] */
  u32 *picks; /* u32 [nLogits] */
  const u32 *step; /* u32 [stepFields] */
  u32 n_groups; /* of a row's logits, in their order; at least one */
};
KERF_AT(largest, 0);
KERF_AT(places, 8);
KERF_AT(picks, 16);
KERF_AT(step, 24);
KERF_AT(n_groups, 32);

static constexpr u32 THREADS = 1024; /* of a block */

#include "kerf_largest.h"

/* One block: one row at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
arg_max(const __grid_constant__ struct args args)
{
  __shared__ u64 largest[THREADS];
  const u32 n_groups = args.n_groups;
  const u32 thread = kerf_thread();
  const u32 n_items = args.step[2]; /* nLogits */

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const float *groups = args.largest + (u64)row * n_groups;

    u64 own = 0;
    for (u32 group = thread; group < n_groups; group += THREADS) {
      const u64 candidate = kerf_candidate(groups[group], group);
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
    if (thread == 0) args.picks[row] = args.places[(u64)row * n_groups + kerf_place(largest[0])];
    kerf_sync_threads();
  }
}
