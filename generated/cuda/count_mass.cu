/*
 * Lowers a KV head's count to the fewest of the highest candidates whose scores sum to a share of all, and at
 * least to what it keeps in any case. A score's mass is a whole number, 24 bits of it at the largest score's
 * exponent, so the order of sums changes nothing; scores of 0 and below have none.
 *
 * Generated from kernels/ops/count_mass.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *candidate_scores; /* f32 [nLists, max_rows] */
  u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  u32 layer;
  u32 n_kv_heads;
  u32 first_list; /* the list of KV head 0 */
  u32 mass; /* the share that is enough, in 2⁻²⁰ */
  u32 takes_ties; /* all that equal the lowest which stays do too */
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
KERF_AT(mass, 28);
KERF_AT(takes_ties, 32);
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
  u32 counts[256];
  u32 low[256], high[256]; /* masses of each byte: sums of their lower 12 bits, and of the others */
  u32 order; /* bytes known so far of the lowest one that stays */
  u64 missing; /* mass that the higher ones lack */
  u32 n; /* higher ones */
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

/* What a score of an order weighs, in units of the largest one's exponent: none where it is not above 0. */
KERF_INLINE u32 mass_of(u32 order, u32 largest)
{
  const u32 normal = 0x80800000u;
  if (order < normal) return 0;
  const u32 shift = (largest >> 23) - (order >> 23);
  return shift < 24 ? ((order & 0x7fffff) | 0x800000) >> shift : 0;
}

/* Counts and masses of the candidates that begin as shared->order does, by the byte behind. */
KERF_INLINE void add_bytes(candidates of, u32 known, u32 shift, scratch *shared)
{
  const u32 thread = kerf_thread();
  for (u32 i = thread; i < 256; i += THREADS)
    shared->counts[i] = shared->low[i] = shared->high[i] = 0;
  kerf_sync_threads();
  const u32 order = shared->order, largest = shared->largest;
  for (u32 row = of.begin + thread; row < of.end; row += THREADS) {
    const u32 own = order_of(of.scores[row]);
    if ((own & known) != order) continue;
    const u32 byte = own >> shift & 0xff, mass = mass_of(own, largest);
    kerf_atomic_add(&shared->counts[byte], 1);
    kerf_atomic_add(&shared->low[byte], mass & 0xfff);
    kerf_atomic_add(&shared->high[byte], mass >> 12);
  }
  kerf_sync_threads();
}

KERF_INLINE u64 mass_at(const scratch *shared, u32 byte)
{
  return ((u64)shared->high[byte] << 12) + shared->low[byte];
}

/*
 * How many of the highest scores hold the share `mass` of all: the lowest of them is found byte by byte, and
 * what the higher ones hold is no longer missing.
 */
KERF_INLINE void count_candidates(const struct args &args, candidates of, scratch *shared)
{
  const u32 thread = kerf_thread();
  find_largest(of, shared);
  if (thread == 0) {
    shared->order = 0;
    shared->n = 0;
  }
  u32 known = 0;
  for (u32 byte = 0; byte < 4; byte++) {
    const u32 shift = 24 - 8 * byte;
    add_bytes(of, known, shift, shared);
    if (thread == 0) {
      if (byte == 0) {
        u64 total = 0;
        for (u32 i = 0; i < 256; i++) total += mass_at(shared, i);
        shared->missing = (total * args.mass + 0xfffff) >> 20;
      }
      u32 value = 255;
      for (; mass_at(shared, value) < shared->missing; value--) {
        shared->n += shared->counts[value];
        shared->missing -= mass_at(shared, value);
      }
      shared->order |= value << shift;
    }
    known |= 0xffu << shift;
    kerf_sync_threads();
  }
  if (thread == 0 && shared->missing > 0) {
    const u32 each = mass_of(shared->order, shared->largest);
    const u32 n_ties = shared->counts[shared->order & 0xff];
    shared->n += args.takes_ties ? n_ties : (u32)((shared->missing + each - 1) / each);
  }
  kerf_sync_threads();
}

/* One block: one KV head at a time, whose count becomes no larger than it was. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
count_mass(const __grid_constant__ struct args args)
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
