/*
 * Rotary position embedding, channel c paired with c + headDim/2 (Hugging Face's order).
 *
 * Generated from kernels/ops/rope_half.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  float *x; /* f32 [nRows, x_stride] */
  const float *rope; /* f32 [nCtx, headDim] */
  const uint32_t *row_position; /* u32 [nRows] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t n_heads;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t x_offset; /* elements before the first head of x */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, rope) == 8, "rope");
_Static_assert(offsetof(struct args, row_position) == 16, "row_position");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, n_heads) == 32, "n_heads");
_Static_assert(offsetof(struct args, x_stride) == 36, "x_stride");
_Static_assert(offsetof(struct args, x_offset) == 40, "x_offset");

/* One item: one row. */
static void rope_half(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t half = HEAD_DIM / 2;

  for (uint32_t row = first; row < last; row++) {
    /* Cosines of the half angles, then sines. */
    const float *angles = args->rope + (size_t)args->row_position[row] * HEAD_DIM;
    for (uint32_t head = 0; head < args->n_heads; head++) {
      float *x = args->x + (size_t)row * args->x_stride + args->x_offset + head * HEAD_DIM;
      for (uint32_t c = 0; c < half; c += 16) {
        const uint32_t n = kerf_lanes(half - c);
        const f32x16 cos = kerf_load16_first(&angles[c], n);
        const f32x16 sin = kerf_load16_first(&angles[half + c], n);
        const f32x16 a = kerf_load16_first(&x[c], n);
        const f32x16 b = kerf_load16_first(&x[half + c], n);
#line 6 "kernels/ops/rope_half.ts"
        const f32x16 new_a = a * cos - b * sin;
        const f32x16 new_b = b * cos + a * sin;
#line 49 "generated/c/rope_half.c"
        kerf_store16_first(&x[c], new_a, n);
        kerf_store16_first(&x[half + c], new_b, n);
      }
    }
  }
}

KERF_EXPORT uint64_t rope_half_address(void);
uint64_t rope_half_address(void)
{
  return (uint64_t)(uintptr_t)rope_half;
}
