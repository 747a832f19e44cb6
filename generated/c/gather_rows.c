/*
 * Copies the rows whose logits are wanted.
 *
 * Generated from kernels/ops/gather_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const uint32_t *rows; /* u32 [nLogits] */
  float *y; /* f32 [nRows, y_stride] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t width;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t x_offset; /* elements before the first column of x */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first column of y */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, rows) == 8, "rows");
_Static_assert(offsetof(struct args, y) == 16, "y");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, rows_field) == 32, "rows_field");
_Static_assert(offsetof(struct args, width) == 36, "width");
_Static_assert(offsetof(struct args, x_stride) == 40, "x_stride");
_Static_assert(offsetof(struct args, x_offset) == 44, "x_offset");
_Static_assert(offsetof(struct args, y_stride) == 48, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 52, "y_offset");

/* One item: one row. */
static void gather_rows(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t width = args->width;

  for (uint32_t row = first; row < last; row++) {
    const float *x_row = args->x + (size_t)args->rows[row] * args->x_stride + args->x_offset;
    float *y_row = args->y + (size_t)row * args->y_stride + args->y_offset;

    for (uint32_t c = 0; c < width; c += 16) {
      const uint32_t n = kerf_lanes(width - c);
      const f32x16 x = kerf_load16_first(&x_row[c], n);

      kerf_store16_first(&y_row[c], x, n);
    }
  }
}

KERF_EXPORT uint64_t gather_rows_address(void);
uint64_t gather_rows_address(void)
{
  return (uint64_t)(uintptr_t)gather_rows;
}
