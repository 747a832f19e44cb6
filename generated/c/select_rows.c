/*
 * Keeps the protected rows and those of the highest scores, in ascending order; equal scores keep the lower
 * row, of the earlier head where heads share what they keep. Finds the lowest score that stays byte by byte,
 * so the work is linear in the rows.
 *
 * Generated from kernels/ops/select_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *token_scores; /* f32 [nKvHeads, max_rows] */
  const uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  uint32_t *kept; /* u32 [nKvHeads, max_rows] */
  uint32_t *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  uint32_t layer;
  uint32_t n_kv_heads;
  uint32_t shares; /* the heads of the layer choose together */
  uint32_t protect_first;
  uint32_t protect_last;
  uint32_t max_rows; /* rows of the longest head */
};
_Static_assert(offsetof(struct args, token_scores) == 0, "token_scores");
_Static_assert(offsetof(struct args, cuts) == 8, "cuts");
_Static_assert(offsetof(struct args, kept) == 16, "kept");
_Static_assert(offsetof(struct args, kept_counts) == 24, "kept_counts");
_Static_assert(offsetof(struct args, layer) == 32, "layer");
_Static_assert(offsetof(struct args, n_kv_heads) == 36, "n_kv_heads");
_Static_assert(offsetof(struct args, shares) == 40, "shares");
_Static_assert(offsetof(struct args, protect_first) == 44, "protect_first");
_Static_assert(offsetof(struct args, protect_last) == 48, "protect_last");
_Static_assert(offsetof(struct args, max_rows) == 52, "max_rows");

/* The rows of one KV head that may go, and how many of them are to stay. */
struct candidates {
  const float *scores;
  uint32_t n_rows, begin, end, n_chosen;
};

static struct candidates candidates_of(const struct args *args, uint32_t kv_head)
{
  const uint32_t *cut = args->cuts + 4 * ((size_t)args->layer * args->n_kv_heads + kv_head);
  const uint32_t n_rows = cut[1], keep = cut[2],
      n_protected = args->protect_first + args->protect_last;
  const bool none = n_rows <= n_protected;
  const struct candidates found = {
    .scores = args->token_scores + (size_t)kv_head * args->max_rows,
    .n_rows = n_rows,
    .begin = none ? n_rows : args->protect_first,
    .end = none ? n_rows : n_rows - args->protect_last,
    .n_chosen = none ? 0 : keep - n_protected,
  };
  return found;
}

/* A number that orders as the score does: no number is the lowest, and the zeros are one. */
static uint32_t order_of(float score)
{
  uint32_t bits;
  if (score != score) return 0;
  if (score == 0.0f) score = 0.0f;
  memcpy(&bits, &score, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/*
 * The n-th highest order among the candidates of some heads, n from 1, one byte after the other; `n_equal`
 * becomes how many of that order stay.
 */
static uint32_t order_at(
  const struct args *args, uint32_t first_head, uint32_t end_head, uint32_t n, uint32_t *n_equal)
{
  uint32_t order = 0, known = 0;
  for (int32_t shift = 24; shift >= 0; shift -= 8) {
    uint32_t counts[256] = {0};
    for (uint32_t head = first_head; head < end_head; head++) {
      const struct candidates of = candidates_of(args, head);
      for (uint32_t row = of.begin; row < of.end; row++) {
        const uint32_t own = order_of(of.scores[row]);
        if ((own & known) == order) counts[own >> shift & 0xff]++;
      }
    }
    uint32_t byte = 255;
    while (counts[byte] < n) n -= counts[byte--];
    order |= byte << shift;
    known |= 0xffu << shift;
  }
  *n_equal = n;
  return order;
}

/* One item: one KV head. */
static void select_rows(const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    const uint32_t first_head = args->shares ? 0 : kv_head;
    const uint32_t end_head = args->shares ? args->n_kv_heads : kv_head + 1;
    uint32_t n_candidates = 0, n_chosen = 0;
    for (uint32_t head = first_head; head < end_head; head++) {
      const struct candidates of = candidates_of(args, head);
      n_candidates += of.end - of.begin;
      n_chosen += of.n_chosen;
    }
    uint32_t lowest = UINT32_MAX, n_equal = 0;
    if (n_chosen >= n_candidates) {
      lowest = 0;
      n_equal = UINT32_MAX;
    } else if (n_chosen > 0) {
      lowest = order_at(args, first_head, end_head, n_chosen, &n_equal);
    }
    /* Of equal scores those of earlier heads stay. */
    for (uint32_t head = first_head; head < kv_head; head++) {
      const struct candidates of = candidates_of(args, head);
      for (uint32_t row = of.begin; row < of.end && n_equal > 0; row++)
        n_equal -= order_of(of.scores[row]) == lowest;
    }

    const size_t place = (size_t)args->layer * args->n_kv_heads + kv_head;
    const uint32_t n_listed = args->cuts[4 * place];
    const struct candidates of = candidates_of(args, kv_head);
    uint32_t *kept = args->kept + (size_t)kv_head * args->max_rows;
    uint32_t n_kept = 0, n_kept_listed = 0;
    for (uint32_t row = 0; row < of.n_rows; row++) {
      bool stays = row < of.begin || row >= of.end;
      if (!stays) {
        const uint32_t order = order_of(of.scores[row]);
        stays = order > lowest || (order == lowest && n_equal > 0);
        if (order == lowest && n_equal > 0) n_equal--;
      }
      if (!stays) continue;
      n_kept_listed += row < n_listed;
      kept[n_kept++] = row;
    }
    args->kept_counts[2 * place] = n_kept_listed;
    args->kept_counts[2 * place + 1] = n_kept;
  }
}

KERF_EXPORT uint64_t select_rows_address(void);
uint64_t select_rows_address(void)
{
  return (uint64_t)(uintptr_t)select_rows;
}
