/*
 * Lowers a KV head's count to the candidates of at least a score, and at least to what it keeps in any case.
 * The count is the protected ones and those.
 *
 * Generated from kernels/ops/count_above.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *candidate_scores; /* f32 [nLists, max_rows] */
  u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  u32 layer;
  u32 n_kv_heads;
  u32 first_list; /* the list of KV head 0 */
  float lowest; /* the lowest score that stays */
  u32 relative; /* lowest is in parts of the largest score */
  u32 least; /* what a head keeps in any case */
  u32 multiple; /* what counts are rounded up to */
  u32 protect_first;
  u32 protect_last;
  u32 max_rows; /* scores of a list */
};
KERF_AT(candidate_scores, 0);
KERF_AT(cuts, 8);
KERF_AT(layer, 16);
KERF_AT(n_kv_heads, 20);
KERF_AT(first_list, 24);
KERF_AT(lowest, 28);
KERF_AT(relative, 32);
KERF_AT(least, 36);
KERF_AT(multiple, 40);
KERF_AT(protect_first, 44);
KERF_AT(protect_last, 48);
KERF_AT(max_rows, 52);

static constexpr u32 THREADS = 256; /* of a block */

/* A number that orders as the score does: no number is the lowest, and the zeros are one. */
KERF_INLINE u32 order_of(float score)
{
  if (score != score) return 0;
  const u32 bits = score == 0.0f ? 0 : kerf_bits(score);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* The rows of one KV head that may go: `begin` … `end` − 1. */
struct candidates {
  const float *scores;
  u32 begin, end;
};

KERF_INLINE candidates candidates_of(const struct args &args, u32 kv_head, u32 n_rows)
{
  const float *scores = args.candidate_scores + (u64)(args.first_list + kv_head) * args.max_rows;
  return {scores, args.protect_first, n_rows - args.protect_last};
}

/* What the threads of a block share. */
struct scratch {
  u32 orders[THREADS];
  u32 largest; /* order */
  u32 n; /* scores that are no lower than the lowest that stays */
};

KERF_INLINE void find_largest(candidates of, scratch *shared)
{
  const u32 thread = kerf_thread();
  u32 largest = 0;
  for (u32 row = of.begin + thread; row < of.end; row += THREADS) {
    const u32 own = order_of(of.scores[row]);
    largest = own > largest ? own : largest;
  }
  shared->orders[thread] = largest;
  kerf_sync_threads();
  if (thread == 0) {
    for (u32 i = 1; i < THREADS; i++)
      largest = shared->orders[i] > largest ? shared->orders[i] : largest;
    shared->largest = largest;
  }
  kerf_sync_threads();
}

/* The score of an order. */
KERF_INLINE float score_of(u32 order)
{
  return kerf_from_bits(order & 0x80000000u ? order & 0x7fffffffu : ~order);
}

/* How many scores are no lower than the lowest that stays; what is no number is. */
KERF_INLINE void count_candidates(const struct args &args, candidates of, scratch *shared)
{
  const u32 thread = kerf_thread();
  float lowest = args.lowest;
  if (args.relative) {
    find_largest(of, shared);
    lowest *= score_of(shared->largest);
  }
  if (thread == 0) shared->n = 0;
  kerf_sync_threads();
  const u32 order = order_of(lowest);
  u32 n = 0;
  for (u32 row = of.begin + thread; row < of.end; row += THREADS) {
    const u32 own = order_of(of.scores[row]);
    n += own > 0 && own >= order;
  }
  if (n > 0) kerf_atomic_add(&shared->n, n);
  kerf_sync_threads();
}

/* One block: one KV head at a time, whose count becomes no larger than it was. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
count_above(const __grid_constant__ struct args args)
{
  __shared__ scratch shared;
  const u32 n_protected = args.protect_first + args.protect_last;
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    u32 *cut = args.cuts + 4 * ((u64)args.layer * args.n_kv_heads + kv_head);
    const u32 n_rows = cut[1];
    if (n_rows <= n_protected) continue;

    count_candidates(args, candidates_of(args, kv_head, n_rows), &shared);
    if (kerf_thread() == 0) {
      u32 n = n_protected + shared.n;
      if (n < args.least) n = args.least;
      n = (n + args.multiple - 1) / args.multiple * args.multiple;
      if (n < cut[2]) cut[2] = n;
    }
    kerf_sync_threads();
  }
}
