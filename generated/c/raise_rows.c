/*
 * Gives rows that a head keeps before heads share their budgets the largest score there is.
 *
 * Generated from kernels/ops/raise_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const uint32_t *kept; /* u32 [nKvHeads, max_rows] */
  const uint32_t *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  float *token_scores; /* f32 [nKvHeads, max_rows] */
  uint32_t layer;
  uint32_t n_kv_heads;
  uint32_t max_rows; /* rows of the longest head */
};
_Static_assert(offsetof(struct args, kept) == 0, "kept");
_Static_assert(offsetof(struct args, kept_counts) == 8, "kept_counts");
_Static_assert(offsetof(struct args, token_scores) == 16, "token_scores");
_Static_assert(offsetof(struct args, layer) == 24, "layer");
_Static_assert(offsetof(struct args, n_kv_heads) == 28, "n_kv_heads");
_Static_assert(offsetof(struct args, max_rows) == 32, "max_rows");

#define LARGEST 3.40282347e38f

/* One item: one KV head. */
static void raise_rows(const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    const uint32_t n_kept = args->kept_counts[2
        * ((size_t)args->layer * args->n_kv_heads + kv_head) + 1];
    const size_t scores = (size_t)kv_head * args->max_rows;
    for (uint32_t i = 0; i < n_kept; i++)
      args->token_scores[scores + args->kept[scores + i]] = LARGEST;
  }
}

KERF_EXPORT uint64_t raise_rows_address(void);
uint64_t raise_rows_address(void)
{
  return (uint64_t)(uintptr_t)raise_rows;
}
