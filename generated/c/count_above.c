/*
 * Lowers a KV head's count to the candidates of at least a score, and at least to what it keeps in any case.
 * The count is the protected ones and those.
 *
 * Generated from kernels/ops/count_above.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *candidate_scores; /* f32 [nLists, max_rows] */
  uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  uint32_t layer;
  uint32_t n_kv_heads;
  uint32_t first_list; /* the list of KV head 0 */
  float lowest; /* the lowest score that stays */
  uint32_t relative; /* lowest is in parts of the largest score */
  uint32_t least; /* what a head keeps in any case */
  uint32_t multiple; /* what counts are rounded up to */
  uint32_t protect_first;
  uint32_t protect_last;
  uint32_t max_rows; /* scores of a list */
};
_Static_assert(offsetof(struct args, candidate_scores) == 0, "candidate_scores");
_Static_assert(offsetof(struct args, cuts) == 8, "cuts");
_Static_assert(offsetof(struct args, layer) == 16, "layer");
_Static_assert(offsetof(struct args, n_kv_heads) == 20, "n_kv_heads");
_Static_assert(offsetof(struct args, first_list) == 24, "first_list");
_Static_assert(offsetof(struct args, lowest) == 28, "lowest");
_Static_assert(offsetof(struct args, relative) == 32, "relative");
_Static_assert(offsetof(struct args, least) == 36, "least");
_Static_assert(offsetof(struct args, multiple) == 40, "multiple");
_Static_assert(offsetof(struct args, protect_first) == 44, "protect_first");
_Static_assert(offsetof(struct args, protect_last) == 48, "protect_last");
_Static_assert(offsetof(struct args, max_rows) == 52, "max_rows");

/* A number that orders as the score does: no number is the lowest, and the zeros are one. */
static uint32_t order_of(float score)
{
  uint32_t bits;
  if (score != score) return 0;
  if (score == 0.0f) score = 0.0f;
  memcpy(&bits, &score, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* The rows of one KV head that may go: `begin` … `end` − 1. */
struct candidates {
  const float *scores;
  uint32_t begin, end;
};

static struct candidates candidates_of(const struct args *args, uint32_t kv_head, uint32_t n_rows)
{
  const struct candidates found = {
    .scores = args->candidate_scores + (size_t)(args->first_list + kv_head) * args->max_rows,
    .begin = args->protect_first,
    .end = n_rows - args->protect_last,
  };
  return found;
}

/* How many scores are no lower than the lowest that stays; what is no number is. */
static uint32_t count_of(const struct args *args, struct candidates of)
{
  float lowest = args->lowest;
  if (args->relative) {
    uint32_t best = of.begin;
    for (uint32_t row = of.begin; row < of.end; row++) {
      if (order_of(of.scores[row]) > order_of(of.scores[best])) best = row;
    }
    lowest *= of.scores[best];
  }
  const uint32_t order = order_of(lowest);
  uint32_t n = 0;
  for (uint32_t row = of.begin; row < of.end; row++) {
    const uint32_t own = order_of(of.scores[row]);
    n += own > 0 && own >= order;
  }
  return n;
}

/* One item: one KV head, whose count becomes no larger than it was. */
static void count_above(const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    uint32_t *cut = args->cuts + 4 * ((size_t)args->layer * args->n_kv_heads + kv_head);
    const uint32_t n_rows = cut[1], n_protected = args->protect_first + args->protect_last;
    if (n_rows <= n_protected) continue;

    uint32_t n = n_protected + count_of(args, candidates_of(args, kv_head, n_rows));
    if (n < args->least) n = args->least;
    n = (n + args->multiple - 1) / args->multiple * args->multiple;
    if (n < cut[2]) cut[2] = n;
  }
}

KERF_EXPORT uint64_t count_above_address(void);
uint64_t count_above_address(void)
{
  return (uint64_t)(uintptr_t)count_above;
}
