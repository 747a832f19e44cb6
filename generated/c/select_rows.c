/*
 * Keeps the protected rows and those of the highest scores, in ascending order; equal scores keep the lower
 * row. Finds the lowest score that stays byte by byte, so the work is linear in the rows.
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
_Static_assert(offsetof(struct args, protect_first) == 40, "protect_first");
_Static_assert(offsetof(struct args, protect_last) == 44, "protect_last");
_Static_assert(offsetof(struct args, max_rows) == 48, "max_rows");

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
 * The n-th highest order among scores, n from 1, one byte after the other; `n_equal` becomes how many of
 * that order stay.
 */
static uint32_t order_at(const float *scores, uint32_t n_scores, uint32_t n, uint32_t *n_equal)
{
  uint32_t order = 0, known = 0;
  for (int32_t shift = 24; shift >= 0; shift -= 8) {
    uint32_t counts[256] = {0};
    for (uint32_t i = 0; i < n_scores; i++) {
      const uint32_t own = order_of(scores[i]);
      if ((own & known) == order) counts[own >> shift & 0xff]++;
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
    const size_t place = (size_t)args->layer * args->n_kv_heads + kv_head;
    const uint32_t n_listed = args->cuts[4 * place], n_rows = args->cuts[4 * place + 1];
    const uint32_t n_protected = args->protect_first + args->protect_last;
    const uint32_t n_chosen = args->cuts[4 * place + 2] - n_protected;
    const float *scores = args->token_scores + (size_t)kv_head * args->max_rows;
    uint32_t *kept = args->kept + (size_t)kv_head * args->max_rows;

    uint32_t n_kept = 0, n_kept_listed = 0;
    const bool keeps_all = args->cuts[4 * place + 2] >= n_rows;
    const uint32_t begin = args->protect_first,
        end = keeps_all ? begin : n_rows - args->protect_last;
    uint32_t lowest = UINT32_MAX, n_equal = 0;
    if (!keeps_all && n_chosen > 0) lowest = order_at(scores + begin, end - begin, n_chosen,
        &n_equal);
    for (uint32_t row = 0; row < n_rows; row++) {
      bool stays = row < begin || row >= end;
      if (!stays) {
        const uint32_t order = order_of(scores[row]);
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
