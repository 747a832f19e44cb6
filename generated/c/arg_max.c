/*
 * The place of each row's largest logit, of equal ones the lowest; what is no number is never the largest,
 * and a row of nothing else gives 0. Greedy decoding reads this one number and no logits.
 *
 * Generated from kernels/ops/arg_max.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *logits; /* f32 [nLogits, width] */
  uint32_t *picks; /* u32 [nLogits] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t width; /* logits of a row, at least one */
};
_Static_assert(offsetof(struct args, logits) == 0, "logits");
_Static_assert(offsetof(struct args, picks) == 8, "picks");
_Static_assert(offsetof(struct args, step) == 16, "step");
_Static_assert(offsetof(struct args, width) == 24, "width");

/* One item: one row. */
static void arg_max(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t width = args->width;

  for (uint32_t row = first; row < last; row++) {
    const float *logits = args->logits + (size_t)row * width;

    /* What is no number is larger than nothing. */
    f32x16 lanes = kerf_splat16(-INFINITY);
    for (uint32_t c = 0; c < width; c += 16) {
      const uint32_t n = kerf_lanes(width - c);
      const f32x16 x = kerf_load16_first(&logits[c], n);
      lanes = kerf_select16(kerf_first16(n) & (x > lanes), x, lanes);
    }
    float largest = -INFINITY;
    for (uint32_t lane = 0; lane < 16; lane++) {
      if (lanes[lane] > largest) largest = lanes[lane];
    }

    uint32_t pick = 0;
    while (pick < width && logits[pick] != largest) pick++;
    args->picks[row] = pick < width ? pick : 0;
  }
}

KERF_EXPORT uint64_t arg_max_address(void);
uint64_t arg_max_address(void)
{
  return (uint64_t)(uintptr_t)arg_max;
}
