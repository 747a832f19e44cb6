/*
 * y = x + residual.
 *
 * Generated from kernels/ops/residual_add.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const float *residual; /* f32 [nRows, residual_stride] */
  float *y; /* f32 [nRows, y_stride] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t width;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t x_offset; /* elements before the first column of x */
  uint32_t residual_stride; /* elements between rows of residual */
  uint32_t residual_offset; /* elements before the first column of residual */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first column of y */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, residual) == 8, "residual");
_Static_assert(offsetof(struct args, y) == 16, "y");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, rows_field) == 32, "rows_field");
_Static_assert(offsetof(struct args, width) == 36, "width");
_Static_assert(offsetof(struct args, x_stride) == 40, "x_stride");
_Static_assert(offsetof(struct args, x_offset) == 44, "x_offset");
_Static_assert(offsetof(struct args, residual_stride) == 48, "residual_stride");
_Static_assert(offsetof(struct args, residual_offset) == 52, "residual_offset");
_Static_assert(offsetof(struct args, y_stride) == 56, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 60, "y_offset");

/* One item: one row. */
static void residual_add(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t width = args->width;

  for (uint32_t row = first; row < last; row++) {
    const float *x_row = args->x + (size_t)row * args->x_stride + args->x_offset;
    const float *residual_row = args->residual + (size_t)row * args->residual_stride
        + args->residual_offset;
    float *y_row = args->y + (size_t)row * args->y_stride + args->y_offset;

    for (uint32_t c = 0; c < width; c += 16) {
      const uint32_t n = kerf_lanes(width - c);
      const f32x16 x = kerf_load16_first(&x_row[c], n);
      const f32x16 residual = kerf_load16_first(&residual_row[c], n);
#line 7 "kernels/ops/residual_add.ts"
      const f32x16 y = x + residual;
#line 53 "generated/c/residual_add.c"
      kerf_store16_first(&y_row[c], y, n);
    }
  }
}

KERF_EXPORT uint64_t residual_add_address(void);
uint64_t residual_add_address(void)
{
  return (uint64_t)(uintptr_t)residual_add;
}
