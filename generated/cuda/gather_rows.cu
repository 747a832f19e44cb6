/*
 * Copies the rows whose logits are wanted.
 *
 * Generated from kernels/ops/gather_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const u32 *rows; /* u32 [nLogits] */
  float *y; /* f32 [nRows, y_stride] */
  const u32 *step; /* u32 [stepFields] */
  u32 rows_field; /* the field of `step` that counts the rows */
  u32 width;
  u32 x_stride; /* elements between rows of x */
  u32 x_offset; /* elements before the first column of x */
  u32 y_stride; /* elements between rows of y */
  u32 y_offset; /* elements before the first column of y */
};
KERF_AT(x, 0);
KERF_AT(rows, 8);
KERF_AT(y, 16);
KERF_AT(step, 24);
KERF_AT(rows_field, 32);
KERF_AT(width, 36);
KERF_AT(x_stride, 40);
KERF_AT(x_offset, 44);
KERF_AT(y_stride, 48);
KERF_AT(y_offset, 52);

static constexpr u32 THREADS = 256; /* of a block */

/* One block: one row at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
gather_rows(const __grid_constant__ struct args args)
{
  const u32 width = args.width;
  const u32 n_items = args.step[args.rows_field];

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const float *x_row = args.x + (u64)args.rows[row] * args.x_stride + args.x_offset;
    float *y_row = args.y + (u64)row * args.y_stride + args.y_offset;

    for (u32 c = kerf_thread(); c < width; c += THREADS) {
      const float x = x_row[c];

      y_row[c] = x;
    }
  }
}
