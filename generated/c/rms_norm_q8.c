/*
 * Root-mean-square normalisation: y = x / √(mean(x²) + eps) · weight.
 * The rows come out as 8-bit codes.
 *
 * Generated from kernels/ops/rms_norm.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const float *weight; /* f32 [width] */
  uint8_t *y; /* u8 [nRows, q8RowBytes(y_stride)] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t width;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t x_offset; /* elements before the first column of x */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first column of y */
  float eps;
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, weight) == 8, "weight");
_Static_assert(offsetof(struct args, y) == 16, "y");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, rows_field) == 32, "rows_field");
_Static_assert(offsetof(struct args, width) == 36, "width");
_Static_assert(offsetof(struct args, x_stride) == 40, "x_stride");
_Static_assert(offsetof(struct args, x_offset) == 44, "x_offset");
_Static_assert(offsetof(struct args, y_stride) == 48, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 52, "y_offset");
_Static_assert(offsetof(struct args, eps) == 56, "eps");

#include "kerf_native.h"
#include "kerf_q8.h"

/* One item: one row. */
static void rms_norm_q8(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t width = args->width;

  for (uint32_t row = first; row < last; row++) {
    const float *x_row = args->x + (size_t)row * args->x_stride + args->x_offset;
    const float *weight_vector = args->weight;
    struct kerf_q8 *y_row = (struct kerf_q8 *)args->y
        + ((size_t)row * args->y_stride + args->y_offset) / KERF_Q8_INPUTS;

    f32x16 mean_square_x_lanes = kerf_splat16(0.0f);
    for (uint32_t c = 0; c < width; c += 16) {
      const uint32_t n = kerf_lanes(width - c);
      const f32x16 x = kerf_load16_first(&x_row[c], n);
      mean_square_x_lanes = kerf_select16(kerf_first16(n), mean_square_x_lanes + x * x,
          mean_square_x_lanes);
    }
    /* Lane partials meet in a fixed tree: the same bits on every call. */
    for (uint32_t half = 8; half > 0; half /= 2) {
      for (uint32_t lane = 0; lane < half; lane++) {
        mean_square_x_lanes[lane] = mean_square_x_lanes[lane] + mean_square_x_lanes[lane + half];
      }
    }
#line 41 "src/dsl/reductions.ts"
    const float mean_square_x = mean_square_x_lanes[0] / (float)width;
#line 9 "kernels/ops/rms_norm.ts"
    const float scale = 1.0f / sqrtf(mean_square_x + args->eps);

#line 67 "generated/c/rms_norm_q8.c"
    for (uint32_t c = 0; c < width; c += KERF_Q8_INPUTS, y_row++) {
      f32x16 halves[2];
      for (uint32_t half = 0; half < 2; half++) {
        const f32x16 x = kerf_load16(&x_row[c + 16 * half]);
        const f32x16 weight = kerf_load16(&weight_vector[c + 16 * half]);
#line 10 "kernels/ops/rms_norm.ts"
        const f32x16 y = x * scale * weight;
#line 75 "generated/c/rms_norm_q8.c"
        halves[half] = y;
      }
      kerf_store_q8(y_row, halves[0], halves[1]);
    }
  }
}

KERF_EXPORT uint64_t rms_norm_q8_address(void);
uint64_t rms_norm_q8_address(void)
{
  return (uint64_t)(uintptr_t)rms_norm_q8;
}
