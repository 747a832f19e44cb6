/*
 * The place of each row's largest logit, of equal ones the lowest, from the largest of each group of them and
 * its place; what is no number is never the largest, and a row of nothing else gives its first place. Greedy
 * decoding reads this one number, and no logits are stored.
 *
 * Generated from kernels/ops/arg_max.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *largest; /* f32 [nLogits, n_groups] */
  const uint32_t *places; /* u32 [nLogits, n_groups] */
  uint32_t *picks; /* u32 [nLogits] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t n_groups; /* of a row's logits, in their order; at least one */
};
_Static_assert(offsetof(struct args, largest) == 0, "largest");
_Static_assert(offsetof(struct args, places) == 8, "places");
_Static_assert(offsetof(struct args, picks) == 16, "picks");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, n_groups) == 32, "n_groups");

/* One item: one row. */
static void arg_max(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t n_groups = args->n_groups;

  for (uint32_t row = first; row < last; row++) {
    const float *groups = args->largest + (size_t)row * n_groups;

    /* What is no number is larger than nothing. */
    f32x16 lanes = kerf_splat16(-INFINITY);
    for (uint32_t g = 0; g < n_groups; g += 16) {
      const uint32_t n = kerf_lanes(n_groups - g);
      const f32x16 x = kerf_load16_first(&groups[g], n);
      lanes = kerf_select16(kerf_first16(n) & kerf_less16(lanes, x), x, lanes);
    }
    float largest = -INFINITY;
    for (uint32_t lane = 0; lane < 16; lane++) {
      if (lanes[lane] > largest) largest = lanes[lane];
    }

    uint32_t group = 0;
    while (group < n_groups && groups[group] != largest) group++;
    if (group == n_groups) group = 0;
    args->picks[row] = args->places[(size_t)row * n_groups + group];
  }
}

KERF_EXPORT uint64_t arg_max_address(void);
uint64_t arg_max_address(void)
{
  return (uint64_t)(uintptr_t)arg_max;
}
