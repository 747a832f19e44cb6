/*
 * Rotary position embedding, channel c paired with c + headDim/2 (Hugging Face's order).
 *
 * Generated from kernels/ops/rope_half.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  float *x; /* f32 [nRows, x_stride] */
  const float *rope; /* f32 [nCtx, headDim] */
  const u32 *row_position; /* u32 [nRows] */
  const u32 *step; /* u32 [stepFields] */
  u32 n_heads;
  u32 x_stride; /* elements between rows of x */
  u32 x_offset; /* elements before the first head of x */
};
KERF_AT(x, 0);
KERF_AT(rope, 8);
KERF_AT(row_position, 16);
KERF_AT(step, 24);
KERF_AT(n_heads, 32);
KERF_AT(x_stride, 36);
KERF_AT(x_offset, 40);

static constexpr u32 THREADS = 128; /* of a block */

/* One block: one row at a time, a pair of channels per thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
rope_half(const __grid_constant__ struct args args)
{
  const u32 half = HEAD_DIM / 2;
  const u32 n_items = args.step[0]; /* nRows */

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    /* Cosines of the half angles, then sines. */
    const float *angles = args.rope + (u64)args.row_position[row] * HEAD_DIM;
    float *heads = args.x + (u64)row * args.x_stride + args.x_offset;
    for (u32 pair = kerf_thread(); pair < args.n_heads * half; pair += THREADS) {
      const u32 c = pair % half;
      float *x = heads + pair / half * HEAD_DIM;
      float *first = x + c, *second = first + half;
      const float cos = angles[c];
      const float sin = angles[half + c];
      const float a = *first;
      const float b = *second;
#line 6 "kernels/ops/rope_half.ts"
      const float new_a = a * cos - b * sin;
      const float new_b = b * cos + a * sin;
#line 55 "generated/cuda/rope_half.cu"
      *first = new_a;
      *second = new_b;
    }
  }
}
