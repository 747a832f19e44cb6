/*
 * Keeps the protected rows and those of the highest scores, in ascending order; equal scores keep the lower
 * row, of the earlier head where heads share what they keep. Finds the lowest score that stays byte by byte,
 * so the work is linear in the rows.
 *
 * Generated from kernels/ops/select_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *token_scores; /* f32 [nKvHeads, max_rows] */
  const u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  u32 *kept; /* u32 [nKvHeads, max_rows] */
  u32 *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  u32 layer;
  u32 n_kv_heads;
  u32 shares; /* the heads of the layer choose together */
  u32 protect_first;
  u32 protect_last;
  u32 max_rows; /* rows of the longest head */
};
KERF_AT(token_scores, 0);
KERF_AT(cuts, 8);
KERF_AT(kept, 16);
KERF_AT(kept_counts, 24);
KERF_AT(layer, 32);
KERF_AT(n_kv_heads, 36);
KERF_AT(shares, 40);
KERF_AT(protect_first, 44);
KERF_AT(protect_last, 48);
KERF_AT(max_rows, 52);

static constexpr u32 THREADS = 256; /* of a block */

/* The rows of one KV head that may go, and how many of them are to stay. */
struct candidates {
  const float *scores;
  u32 n_rows, begin, end, n_chosen;
};

KERF_INLINE candidates candidates_of(const struct args &args, u32 kv_head)
{
  const u32 *cut = args.cuts + 4 * ((u64)args.layer * args.n_kv_heads + kv_head);
  const u32 n_rows = cut[1], keep = cut[2], n_protected = args.protect_first + args.protect_last;
  const float *scores = args.token_scores + (u64)kv_head * args.max_rows;
  if (n_rows <= n_protected) return {scores, n_rows, n_rows, n_rows, 0};
  return {scores, n_rows, args.protect_first, n_rows - args.protect_last, keep - n_protected};
}

/* A number that orders as the score does: no number is the lowest, and the zeros are one. */
KERF_INLINE u32 order_of(float score)
{
  if (score != score) return 0;
  const u32 bits = score == 0.0f ? 0 : kerf_bits(score);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* What the threads of a block share. */
struct scratch {
  u32 counts[256];
  u32 order, n; /* bytes known so far, and how many of that order's beginning stay */
  u32 equal_before; /* rows of that order in earlier heads */
  u32 kept[THREADS], equal[THREADS], listed[THREADS]; /* rows of each thread's span */
};

/*
 * The n-th highest order among the candidates of some heads, n from 1, one byte after the other;
 * shared->n is left at how many of it stay.
 */
KERF_INLINE void find_order(const struct args &args, u32 first_head, u32 end_head, scratch *shared)
{
  const u32 thread = kerf_thread();
  u32 known = 0;
  for (u32 byte = 0; byte < 4; byte++) {
    const u32 shift = 24 - 8 * byte;
    for (u32 i = thread; i < 256; i += THREADS) shared->counts[i] = 0;
    kerf_sync_threads();
    const u32 order = shared->order;
    for (u32 head = first_head; head < end_head; head++) {
      const candidates of = candidates_of(args, head);
      for (u32 row = of.begin + thread; row < of.end; row += THREADS) {
        const u32 own = order_of(of.scores[row]);
        if ((own & known) == order) kerf_atomic_add(&shared->counts[own >> shift & 0xff], 1);
      }
    }
    kerf_sync_threads();
    if (thread == 0) {
      u32 value = 255;
      while (shared->counts[value] < shared->n) shared->n -= shared->counts[value--];
      shared->order = order | value << shift;
    }
    known |= 0xffu << shift;
    kerf_sync_threads();
  }
}

/* One block: one KV head at a time; each thread has a span of rows. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
select_rows(const __grid_constant__ struct args args)
{
  __shared__ scratch shared;
  const u32 thread = kerf_thread();
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const u32 first_head = args.shares ? 0 : kv_head;
    const u32 end_head = args.shares ? args.n_kv_heads : kv_head + 1;
    u32 n_candidates = 0, n_chosen = 0;
    for (u32 head = first_head; head < end_head; head++) {
      const candidates of = candidates_of(args, head);
      n_candidates += of.end - of.begin;
      n_chosen += of.n_chosen;
    }
    const bool chooses = n_chosen > 0 && n_chosen < n_candidates;
    if (thread == 0) {
      /* All stay, or none does. */
      shared.order = chooses || n_chosen > 0 ? 0 : 0xffffffffu;
      shared.n = chooses ? n_chosen : n_chosen > 0 ? 0xffffffffu : 0;
      shared.equal_before = 0;
    }
    kerf_sync_threads();
    if (chooses) find_order(args, first_head, end_head, &shared);
    const u32 lowest = shared.order;
    /* Of equal scores those of earlier heads stay. */
    for (u32 head = first_head; head < kv_head; head++) {
      const candidates of = candidates_of(args, head);
      u32 n_equal = 0;
      for (u32 row = of.begin + thread; row < of.end; row += THREADS)
        n_equal += order_of(of.scores[row]) == lowest;
      if (n_equal > 0) kerf_atomic_add(&shared.equal_before, n_equal);
    }
    kerf_sync_threads();
    const u32 n_equal = shared.n - kerf_min_u32(shared.n, shared.equal_before);

    /* How many rows of its span a thread keeps for sure, and how many of the lowest order it has. */
    const u64 place = (u64)args.layer * args.n_kv_heads + kv_head;
    const u32 n_listed = args.cuts[4 * place];
    const candidates of = candidates_of(args, kv_head);
    u32 *kept = args.kept + (u64)kv_head * args.max_rows;
    const u32 span = (of.n_rows + THREADS - 1) / THREADS;
    const u32 first = kerf_min_u32(thread * span, of.n_rows),
        last = kerf_min_u32(first + span, of.n_rows);
    u32 n_sure = 0, n_own_equal = 0;
    for (u32 row = first; row < last; row++) {
      const bool stays = row < of.begin || row >= of.end;
      const u32 order = stays ? 0 : order_of(of.scores[row]);
      n_sure += stays || order > lowest;
      n_own_equal += !stays && order == lowest;
    }
    shared.kept[thread] = n_sure;
    shared.equal[thread] = n_own_equal;
    kerf_sync_threads();
    u32 n_kept = 0, equal_before = 0;
    for (u32 i = 0; i < thread; i++) {
      const u32 taken = equal_before < n_equal
          ? kerf_min_u32(shared.equal[i], n_equal - equal_before) : 0;
      n_kept += shared.kept[i] + taken;
      equal_before += shared.equal[i];
    }
    u32 n_kept_listed = 0;
    for (u32 row = first; row < last; row++) {
      bool stays = row < of.begin || row >= of.end;
      if (!stays) {
        const u32 order = order_of(of.scores[row]);
        stays = order > lowest || (order == lowest && equal_before < n_equal);
        equal_before += order == lowest;
      }
      if (!stays) continue;
      n_kept_listed += row < n_listed;
      kept[n_kept++] = row;
    }
    shared.listed[thread] = n_kept_listed;
    kerf_sync_threads();
    if (thread == THREADS - 1) {
      u32 listed = 0;
      for (u32 i = 0; i < THREADS; i++) listed += shared.listed[i];
      args.kept_counts[2 * place] = listed;
      args.kept_counts[2 * place + 1] = n_kept;
    }
    kerf_sync_threads();
  }
}
