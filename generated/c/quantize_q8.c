/*
 * Copies rows as 8-bit codes, which products of whole numbers read.
 * The rows come out as 8-bit codes.
 *
 * Generated from kernels/ops/quantize.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *x; /* f32 [nRows, x_stride] */
  uint8_t *y; /* u8 [nRows, q8RowBytes(y_stride)] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t width;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t x_offset; /* elements before the first column of x */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first column of y */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, y) == 8, "y");
_Static_assert(offsetof(struct args, step) == 16, "step");
_Static_assert(offsetof(struct args, rows_field) == 24, "rows_field");
_Static_assert(offsetof(struct args, width) == 28, "width");
_Static_assert(offsetof(struct args, x_stride) == 32, "x_stride");
_Static_assert(offsetof(struct args, x_offset) == 36, "x_offset");
_Static_assert(offsetof(struct args, y_stride) == 40, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 44, "y_offset");

#include "kerf_native.h"
#include "kerf_store_q8.h"

/* One item: one row. */
static void quantize_q8(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t width = args->width;

  for (uint32_t row = first; row < last; row++) {
    const float *x_row = args->x + (size_t)row * args->x_stride + args->x_offset;
    struct kerf_q8 *y_row = (struct kerf_q8 *)args->y
        + ((size_t)row * args->y_stride + args->y_offset) / KERF_Q8_INPUTS;

    for (uint32_t c = 0; c < width; c += KERF_Q8_INPUTS, y_row++) {
      f32x16 halves[2];
      for (uint32_t half = 0; half < 2; half++) {
        const f32x16 x = kerf_load16(&x_row[c + 16 * half]);

        halves[half] = x;
      }
      kerf_store_q8(y_row, halves[0], halves[1]);
    }
  }
}

KERF_EXPORT uint64_t quantize_q8_address(void);
uint64_t quantize_q8_address(void)
{
  return (uint64_t)(uintptr_t)quantize_q8;
}
