/*
 * y = x · Wᵀ.
 * Of each sixteen outputs of a row only the largest is stored, and its place.
 * W is packed as bf16 (src/core/packing.ts).
 *
 * Generated from kernels/ops/matmul.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const u8 *weight; /* u8 [packedBytes(nOut, nIn)] */
  float *largest; /* f32 [nRows, groups_stride] */
  u32 *places; /* u32 [nRows, groups_stride] */
  const u32 *step; /* u32 [stepFields] */
  u32 rows_field; /* the field of `step` that counts the rows */
  u32 n_in; /* a multiple of the packed group */
  u32 n_out;
  u32 x_stride; /* elements between rows of x */
  u32 groups_stride; /* groups of 16 outputs between rows of largest and places */
  u32 y_offset; /* place of the first output, a multiple of 16 */
};
KERF_AT(x, 0);
KERF_AT(weight, 8);
KERF_AT(largest, 16);
KERF_AT(places, 24);
KERF_AT(step, 32);
KERF_AT(rows_field, 40);
KERF_AT(n_in, 44);
KERF_AT(n_out, 48);
KERF_AT(x_stride, 52);
KERF_AT(groups_stride, 56);
KERF_AT(y_offset, 60);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_largest.h"

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
  kerf_bf16 value[16];
};

/* The weights of a line and four outputs as f32, each rounded once. */
KERF_INLINE void unpack(const block *weight, u32 line, u32 quad, float (*w)[4])
{
  kerf_load4_bf16(&weight->value[4 * quad], w[0]);
}

/* One block of threads: up to ROWS rows of x by OUTPUTS outputs at a time, the outputs running faster. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
matmul_largest__bf16(const __grid_constant__ struct args args)
{
  __shared__ float partial[WARPS][ROWS][OUTPUTS];
  __shared__ float outputs[ROWS][OUTPUTS];
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
      float sum = partial[0][r][thread % OUTPUTS];
      for (u32 warp = 1; warp < WARPS; warp++) sum = sum + partial[warp][r][thread % OUTPUTS];

      outputs[r][thread % OUTPUTS] = sum;
    }
    kerf_sync_threads();
    if (thread < n_rows) {
      const u32 first_place = args.y_offset + group * OUTPUTS;
      const u32 n_columns = kerf_min_u32(args.n_out - group * OUTPUTS, OUTPUTS);
      u64 largest = 0;
      for (u32 c = 0; c < n_columns; c++) {
        const u64 candidate = kerf_candidate(outputs[thread][c], c);
        if (candidate > largest) largest = candidate;
      }
      const u32 place = kerf_place(largest);
      const u64 at = (u64)(first_row + thread) * args.groups_stride + first_place / OUTPUTS;
      args.largest[at] = outputs[thread][place];
      args.places[at] = first_place + place;
    }
    kerf_sync_threads();
  }
}
