/*
 * y = residual + x · Wᵀ; y may be the residual's own buffer.
 * W is packed as f16 (src/core/packing.ts).
 *
 * Generated from kernels/ops/matmul_add.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const u8 *weight; /* u8 [packedBytes(nOut, nIn)] */
  const float *residual; /* f32 [nRows, residual_stride] */
  float *y; /* f32 [nRows, y_stride] */
  const u32 *step; /* u32 [stepFields] */
  u32 rows_field; /* the field of `step` that counts the rows */
  u32 n_in; /* a multiple of the packed group */
  u32 n_out;
  u32 x_stride; /* elements between rows of x */
  u32 y_stride; /* elements between rows of y */
  u32 y_offset; /* elements before the first output's of y */
  u32 residual_stride; /* elements between rows of residual */
  u32 residual_offset; /* elements before the first output's of residual */
};
KERF_AT(x, 0);
KERF_AT(weight, 8);
KERF_AT(residual, 16);
KERF_AT(y, 24);
KERF_AT(step, 32);
KERF_AT(rows_field, 40);
KERF_AT(n_in, 44);
KERF_AT(n_out, 48);
KERF_AT(x_stride, 52);
KERF_AT(y_stride, 56);
KERF_AT(y_offset, 60);
KERF_AT(residual_stride, 64);
KERF_AT(residual_offset, 68);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 OUTPUTS = 16; /* of a block: one group of packed rows */
static constexpr u32 ROWS = 8; /* of x that meet each unpacked weight */
static constexpr u32 WARPS = THREADS / 32;
static constexpr u32 SLICES = THREADS / 4; /* of the inputs: four threads hold sixteen outputs */
static constexpr u32 AHEAD = 4; /* lines of weights that a thread has on the way together */
/* A line: the sixteen weights of an input, or of two that share bytes. */
static constexpr u32 GROUP_SIZE = 1, LINES = 1, LINE_INPUTS = 1;

static_assert(OUTPUTS == 16 && ROWS * OUTPUTS == THREADS, "each thread finishes one output");

/* One input of sixteen output rows. */
struct block {
  kerf_f16 value[16];
};

/* The weights of a line and four outputs as f32, each rounded once. */
KERF_INLINE void unpack(const block *weight, u32 line, u32 quad, float (*w)[4])
{
  kerf_load4_f16(&weight->value[4 * quad], w[0]);
}

/* One block of threads: up to ROWS rows of x by OUTPUTS outputs at a time, the outputs running faster. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
matmul_add__f16(const __grid_constant__ struct args args)
{
  __shared__ float partial[WARPS][ROWS][OUTPUTS];
  const u32 thread = kerf_thread();
  const u32 quad = thread % 4, slice = thread / 4;
  const u32 n_in = args.n_in;
  const u32 n_lines = n_in / LINE_INPUTS;
  const u32 n_groups = (args.n_out + OUTPUTS - 1) / OUTPUTS;
  const u32 n_rows_all = args.step[args.rows_field];
  const u32 n_items = (n_rows_all + ROWS - 1) / ROWS * n_groups;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 group = item % n_groups;
    const u32 first_row = item / n_groups * ROWS;
    const u32 n_rows = kerf_min_u32(n_rows_all - first_row, ROWS);
    const float *x = args.x + (u64)first_row * args.x_stride;
    const block *blocks = (const block *)args.weight + (u64)group * (n_in / GROUP_SIZE);

    /* A slice's inputs in ascending order; slices are the same however many rows there are. */
    float sums[ROWS][4] = {};
    for (u32 first = slice; first < n_lines; first += AHEAD * SLICES) {
      float w[AHEAD][LINE_INPUTS][4];
      KERF_UNROLL for (u32 a = 0; a < AHEAD; a++) {
        const u32 i = kerf_min_u32(first + a * SLICES, n_lines - 1);
        unpack(blocks + i / LINES, i % LINES, quad, w[a]);
      }
      KERF_UNROLL for (u32 a = 0; a < AHEAD; a++) {
        const u32 i = first + a * SLICES;
        if (i >= n_lines) break;
        const u32 k = i / LINES * GROUP_SIZE + i % LINES;
        KERF_UNROLL for (u32 r = 0; r < ROWS; r++) {
          if (r >= n_rows) break;
          KERF_UNROLL for (u32 half = 0; half < LINE_INPUTS; half++) {
            const float xk = x[(u64)r * args.x_stride + k + half * LINES];
            KERF_UNROLL for (u32 o = 0; o < 4; o++)
              sums[r][o] = kerf_fma(xk, w[a][half][o], sums[r][o]);
          }
        }
      }
    }

    /* Slices meet in a fixed tree inside warps, then warp after warp. */
    KERF_UNROLL for (u32 r = 0; r < ROWS; r++) {
      if (r >= n_rows) break;
      KERF_UNROLL for (u32 o = 0; o < 4; o++) {
        for (u32 half = 16; half >= 4; half /= 2) {
          sums[r][o] = sums[r][o] + kerf_shuffle_down(sums[r][o], half);
        }
        if (kerf_lane() < 4) partial[kerf_warp()][r][4 * quad + o] = sums[r][o];
      }
    }
    kerf_sync_threads();
    const u32 r = thread / OUTPUTS, column = group * OUTPUTS + thread % OUTPUTS;
    if (r < n_rows && column < args.n_out) {
      const u32 row = first_row + r;
      float sum = partial[0][r][thread % OUTPUTS];
      for (u32 warp = 1; warp < WARPS; warp++) sum = sum + partial[warp][r][thread % OUTPUTS];
      const float residual = args.residual[(u64)row * args.residual_stride + args.residual_offset
          + column];
#line 8 "kernels/ops/matmul_add.ts"
      const float y = residual + sum;
#line 126 "generated/cuda/matmul_add__f16.cu"
      args.y[(u64)row * args.y_stride + args.y_offset + column] = y;
    }
    kerf_sync_threads();
  }
}

/* A strip of the outputs whose product a library computes: `unpack` goes before it, `finish` behind. */
struct strip {
  struct args args;
  float *weights; /* f32 [n, n_in], n rounded up to whole groups: the strip's rows of W */
  float *sums; /* f32 [nRows, n]: x times those rows */
  u32 first; /* output of the strip, a multiple of OUTPUTS */
  u32 n;
};
static_assert(sizeof(struct strip) == sizeof(struct args) + 24, "the host writes these bytes");

/* One block of threads: as many lines of a group as a quarter of it, so that neighbours write neighbours. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
matmul_add__f16_unpack(const __grid_constant__ struct strip strip)
{
  constexpr u32 PART = THREADS / 4;
  const u32 quad = kerf_thread() / PART;
  const u32 n_in = strip.args.n_in;
  const u32 n_lines = n_in / LINE_INPUTS;
  const u32 n_parts = (n_lines + PART - 1) / PART;
  const u32 n_items = (strip.n + OUTPUTS - 1) / OUTPUTS * n_parts;
  const u32 n_blocks = n_in / GROUP_SIZE; /* of weights, in a group */
  const block *blocks = (const block *)strip.args.weight + (u64)(strip.first / OUTPUTS) * n_blocks;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 group = item / n_parts;
    const u32 line = item % n_parts * PART + kerf_thread() % PART;
    if (line >= n_lines) continue;
    float w[LINE_INPUTS][4];
    unpack(blocks + (u64)group * n_blocks + line / LINES, line % LINES, quad, w);
    float *to = strip.weights + (u64)(group * OUTPUTS + 4 * quad) * n_in;
    KERF_UNROLL for (u32 half = 0; half < LINE_INPUTS; half++) {
      const u32 k = line / LINES * GROUP_SIZE + line % LINES + half * LINES;
      KERF_UNROLL for (u32 o = 0; o < 4; o++) to[(u64)o * n_in + k] = w[half][o];
    }
  }
}

/* One block of threads: THREADS outputs of a row. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
matmul_add__f16_finish(const __grid_constant__ struct strip strip)
{
  const struct args &args = strip.args;
  const u32 n_parts = (strip.n + THREADS - 1) / THREADS;
  const u32 n_items = args.step[args.rows_field] * n_parts;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 row = item / n_parts;
    const u32 at = item % n_parts * THREADS + kerf_thread();
    if (at >= strip.n) continue;
    const u32 column = strip.first + at;
    const float sum = strip.sums[(u64)row * strip.n + at];
    const float residual = args.residual[(u64)row * args.residual_stride + args.residual_offset
        + column];
#line 8 "kernels/ops/matmul_add.ts"
    const float y = residual + sum;
#line 188 "generated/cuda/matmul_add__f16.cu"
    args.y[(u64)row * args.y_stride + args.y_offset + column] = y;
  }
}
