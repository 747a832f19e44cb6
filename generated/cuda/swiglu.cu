/*
 * The gated unit of a feed-forward layer: y = silu(gate) · up, silu(x) = x / (1 + e^−x).
 *
 * Generated from kernels/ops/swiglu.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *gate; /* f32 [nRows, gate_stride] */
  const float *up; /* f32 [nRows, up_stride] */
  float *y; /* f32 [nRows, y_stride] */
  const u32 *step; /* u32 [stepFields] */
  u32 rows_field; /* the field of `step` that counts the rows */
  u32 width;
  u32 gate_stride; /* elements between rows of gate */
  u32 gate_offset; /* elements before the first column of gate */
  u32 up_stride; /* elements between rows of up */
  u32 up_offset; /* elements before the first column of up */
  u32 y_stride; /* elements between rows of y */
  u32 y_offset; /* elements before the first column of y */
};
KERF_AT(gate, 0);
KERF_AT(up, 8);
KERF_AT(y, 16);
KERF_AT(step, 24);
KERF_AT(rows_field, 32);
KERF_AT(width, 36);
KERF_AT(gate_stride, 40);
KERF_AT(gate_offset, 44);
KERF_AT(up_stride, 48);
KERF_AT(up_offset, 52);
KERF_AT(y_stride, 56);
KERF_AT(y_offset, 60);

static constexpr u32 THREADS = 256; /* of a block */

/* One block: one row at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
swiglu(const __grid_constant__ struct args args)
{
  const u32 width = args.width;
  const u32 n_items = args.step[args.rows_field];

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const float *gate_row = args.gate + (u64)row * args.gate_stride + args.gate_offset;
    const float *up_row = args.up + (u64)row * args.up_stride + args.up_offset;
    float *y_row = args.y + (u64)row * args.y_stride + args.y_offset;

    for (u32 c = kerf_thread(); c < width; c += THREADS) {
      const float gate = gate_row[c];
      const float up = up_row[c];
#line 8 "kernels/ops/swiglu.ts"
      const float y = gate / (1.0f + kerf_exp(-gate)) * up;
#line 56 "generated/cuda/swiglu.cu"
      y_row[c] = y;
    }
  }
}
