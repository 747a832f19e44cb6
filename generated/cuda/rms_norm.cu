/*
 * Root-mean-square normalisation: y = x / √(mean(x²) + eps) · weight.
 *
 * Generated from kernels/ops/rms_norm.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const float *weight; /* f32 [width] */
  float *y; /* f32 [nRows, y_stride] */
  const u32 *step; /* u32 [stepFields] */
  u32 rows_field; /* the field of `step` that counts the rows */
  u32 width;
  u32 x_stride; /* elements between rows of x */
  u32 x_offset; /* elements before the first column of x */
  u32 y_stride; /* elements between rows of y */
  u32 y_offset; /* elements before the first column of y */
  float eps;
};
KERF_AT(x, 0);
KERF_AT(weight, 8);
KERF_AT(y, 16);
KERF_AT(step, 24);
KERF_AT(rows_field, 32);
KERF_AT(width, 36);
KERF_AT(x_stride, 40);
KERF_AT(x_offset, 44);
KERF_AT(y_stride, 48);
KERF_AT(y_offset, 52);
KERF_AT(eps, 56);

static constexpr u32 THREADS = 256; /* of a block */

static constexpr u32 WARPS = THREADS / 32;

/* One block: one row at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
rms_norm(const __grid_constant__ struct args args)
{
  const u32 lane = kerf_lane();
  __shared__ float mean_square_x_lanes_warps[WARPS];
  const u32 width = args.width;
  const u32 n_items = args.step[args.rows_field];

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const float *x_row = args.x + (u64)row * args.x_stride + args.x_offset;
    const float *weight_vector = args.weight;
    float *y_row = args.y + (u64)row * args.y_stride + args.y_offset;

    float mean_square_x_lanes = 0.0f;
    for (u32 c = kerf_thread(); c < width; c += THREADS) {
      const float x = x_row[c];
      mean_square_x_lanes = mean_square_x_lanes + x * x;
    }
    /* Partial results meet in a fixed tree, in warps and then across them: the same bits on every call. */
    for (u32 half = 16; half > 0; half /= 2) {
      const float mean_square_x_lanes_other = kerf_shuffle_down(mean_square_x_lanes, half);
      mean_square_x_lanes = mean_square_x_lanes + mean_square_x_lanes_other;
    }
    if (lane == 0) {
      mean_square_x_lanes_warps[kerf_warp()] = mean_square_x_lanes;
    }
    kerf_sync_threads();
    mean_square_x_lanes = mean_square_x_lanes_warps[lane % WARPS];
    for (u32 half = WARPS / 2; half > 0; half /= 2) {
      const float mean_square_x_lanes_other = kerf_shuffle_down(mean_square_x_lanes, half);
      mean_square_x_lanes = mean_square_x_lanes + mean_square_x_lanes_other;
    }
    kerf_sync_threads();
    mean_square_x_lanes = kerf_shuffle(mean_square_x_lanes, 0);
#line 41 "src/dsl/reductions.ts"
    const float mean_square_x = mean_square_x_lanes / (float)width;
#line 9 "kernels/ops/rms_norm.ts"
    const float scale = 1.0f / kerf_sqrt(mean_square_x + args.eps);

#line 79 "generated/cuda/rms_norm.cu"
    for (u32 c = kerf_thread(); c < width; c += THREADS) {
      const float x = x_row[c];
      const float weight = weight_vector[c];
#line 10 "kernels/ops/rms_norm.ts"
      const float y = x * scale * weight;
#line 85 "generated/cuda/rms_norm.cu"
      y_row[c] = y;
    }
  }
}
