/*
 * Token embedding: row tokens[r] of the packed table.
 * The table is packed as f16 (src/core/packing.ts).
 *
 * Generated from kernels/ops/embedding.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *tokens; /* u32 [nRows] */
  const u8 *weight; /* u8 [packedBytes(n_rows, width)] */
  float *y; /* f32 [nRows, y_stride] */
  const u32 *step; /* u32 [stepFields] */
  u32 width; /* elements of a row, a multiple of the packed group */
  u32 y_stride; /* elements between rows of y */
  u32 first_row; /* the token of the weight's first row */
  u32 n_rows; /* rows in the weight; the others' tokens are left alone */
};
KERF_AT(tokens, 0);
KERF_AT(weight, 8);
KERF_AT(y, 16);
KERF_AT(step, 24);
KERF_AT(width, 32);
KERF_AT(y_stride, 36);
KERF_AT(first_row, 40);
KERF_AT(n_rows, 44);

static constexpr u32 THREADS = 128; /* of a block */

/* One block: one row at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
embedding__f16(const __grid_constant__ struct args args)
{
  const u32 width = args.width;
  const u32 n_items = args.step[0]; /* nRows */

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const u32 token = args.tokens[row] - args.first_row;
    if (token >= args.n_rows) continue;
    /* Sixteen rows lie next to each other, input by input. */
    const kerf_f16 *column = (const kerf_f16 *)args.weight + (u64)(token / 16) * width * 16
        + token % 16;
    float *y_row = args.y + (u64)row * args.y_stride;

    for (u32 c = kerf_thread(); c < width; c += THREADS) {
      const float x = kerf_load_f16(&column[(u64)c * 16]);

      y_row[c] = x;
    }
  }
}
