/*
 * Rows of a root-mean-square norm but for their scale, which the product that reads them makes of the rows'
 * sums: what a product before that norm stores of its rows.
 * The rows come out as 8-bit codes.
 *
 * Generated from kernels/ops/gain.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const float *weight; /* f32 [width] */
  uint8_t *y; /* u8 [nRows, q8RowBytes(y_stride)] */
  float *y_sums; /* f32 [⌈nRows / 16⌉, y_stride / 32, 16] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t width;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t x_offset; /* elements before the first column of x */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first column of y */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, weight) == 8, "weight");
_Static_assert(offsetof(struct args, y) == 16, "y");
_Static_assert(offsetof(struct args, y_sums) == 24, "y_sums");
_Static_assert(offsetof(struct args, step) == 32, "step");
_Static_assert(offsetof(struct args, rows_field) == 40, "rows_field");
_Static_assert(offsetof(struct args, width) == 44, "width");
_Static_assert(offsetof(struct args, x_stride) == 48, "x_stride");
_Static_assert(offsetof(struct args, x_offset) == 52, "x_offset");
_Static_assert(offsetof(struct args, y_stride) == 56, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 60, "y_offset");

#include "kerf_native.h"
#include "kerf_store_q8.h"

/* One item: one row. */
static void gain_q8(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t width = args->width;

  for (uint32_t row = first; row < last; row++) {
    const float *x_row = args->x + (size_t)row * args->x_stride + args->x_offset;
    const float *weight_vector = args->weight;
    struct kerf_q8 *y_row = (struct kerf_q8 *)args->y
        + ((size_t)row * args->y_stride + args->y_offset) / KERF_Q8_INPUTS;

    const uint32_t n_blocks = args->y_stride / KERF_Q8_INPUTS,
        first_block = args->y_offset / KERF_Q8_INPUTS;
    for (uint32_t c = 0; c < width; c += KERF_Q8_INPUTS, y_row++) {
      f32x16 halves[2], total = {0};
      for (uint32_t half = 0; half < 2; half++) {
        const f32x16 x = kerf_load16(&x_row[c + 16 * half]);
        const f32x16 weight = kerf_load16(&weight_vector[c + 16 * half]);
#line 5 "kernels/ops/_rms.ts"
        const f32x16 y = x * weight;
#line 59 "generated/c/gain_q8.c"
        halves[half] = y;
        total += x * x;
      }
      kerf_store_q8(y_row, halves[0], halves[1]);
      args->y_sums[kerf_q8_sum_place(row, n_blocks,
          first_block + c / KERF_Q8_INPUTS)] = kerf_sum16(total);
    }
  }
}

KERF_EXPORT uint64_t gain_q8_address(void);
uint64_t gain_q8_address(void)
{
  return (uint64_t)(uintptr_t)gain_q8;
}
