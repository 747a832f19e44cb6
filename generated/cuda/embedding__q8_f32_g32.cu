/*
 * Token embedding: row tokens[r] of the packed table.
 * The table is packed as q8_f32_g32 (src/core/packing.ts).
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

static constexpr u32 GROUP_SIZE = 32;

/* GROUP_SIZE inputs of sixteen rows. */
struct block {
  kerf_f32 scale[16];
  kerf_f32 offset[16];
  u8 codes[GROUP_SIZE][16];
};

/* One block of threads: one row at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
embedding__q8_f32_g32(const __grid_constant__ struct args args)
{
  const u32 width = args.width;
  const u32 n_items = args.step[0]; /* nRows */

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const u32 token = args.tokens[row] - args.first_row, lane = token % 16;
    if (token >= args.n_rows) continue;
    const block *blocks = (const block *)args.weight + (u64)(token / 16) * (width / GROUP_SIZE);
    float *y_row = args.y + (u64)row * args.y_stride;

    for (u32 c = kerf_thread(); c < width; c += THREADS) {
      const block *weight = blocks + c / GROUP_SIZE;
      const u32 i = c % GROUP_SIZE;
      const float scale = kerf_load_f32(&weight->scale[lane]);
      const float offset = kerf_load_f32(&weight->offset[lane]);
      const u32 code = weight->codes[i][lane];
      const float x = kerf_fma(scale, (float)code, offset);

      y_row[c] = x;
    }
  }
}
