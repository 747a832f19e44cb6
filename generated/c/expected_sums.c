/*
 * The softmax of each query head's expected logits over the rows behind the first protected ones: the largest
 * logit, the sum of e^(logit − largest).
 *
 * Generated from kernels/ops/expected_sums.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *expected_logits; /* f32 [nHeads, max_rows] */
  const uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  float *expected_sums; /* f32 [nHeads, 2] */
  uint32_t layer;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t protect_first;
  uint32_t max_rows; /* rows of the longest head */
};
_Static_assert(offsetof(struct args, expected_logits) == 0, "expected_logits");
_Static_assert(offsetof(struct args, cuts) == 8, "cuts");
_Static_assert(offsetof(struct args, expected_sums) == 16, "expected_sums");
_Static_assert(offsetof(struct args, layer) == 24, "layer");
_Static_assert(offsetof(struct args, n_heads) == 28, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 32, "n_kv_heads");
_Static_assert(offsetof(struct args, protect_first) == 36, "protect_first");
_Static_assert(offsetof(struct args, max_rows) == 40, "max_rows");

#include "kerf_softmax.h"

/* One item: one query head. */
static void expected_sums(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t group = args->n_heads / args->n_kv_heads;

  for (uint32_t head = first; head < last; head++) {
    const uint32_t n_rows = args->cuts[4 * ((size_t)args->layer * args->n_kv_heads + head / group)
        + 1];
    const float *logits = args->expected_logits + (size_t)head * args->max_rows;
    f32x16 largest_lanes = kerf_splat16(KERF_MASKED);
    for (uint32_t row = args->protect_first; row < n_rows; row += 16) {
      const uint32_t n = kerf_lanes(n_rows - row);
      const f32x16 logit = kerf_select16(kerf_first16(n), kerf_load16_first(&logits[row], n),
          kerf_splat16(KERF_MASKED));
      largest_lanes = kerf_max16(largest_lanes, logit);
    }
    const float largest = kerf_largest16(largest_lanes);

    f32x16 sum = kerf_splat16(0.0f);
    for (uint32_t row = args->protect_first; row < n_rows; row += 16) {
      const uint32_t n = kerf_lanes(n_rows - row);
      const f32x16 weight = kerf_exp16(kerf_load16_first(&logits[row], n) - largest);
      sum += kerf_select16(kerf_first16(n), weight, kerf_splat16(0.0f));
    }
    args->expected_sums[2 * (size_t)head] = largest;
    args->expected_sums[2 * (size_t)head + 1] = kerf_sum16(sum);
  }
}

KERF_EXPORT uint64_t expected_sums_address(void);
uint64_t expected_sums_address(void)
{
  return (uint64_t)(uintptr_t)expected_sums;
}
