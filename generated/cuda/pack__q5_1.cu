/*
 * Packs Q5_1 as q8_f16_g32 (src/core/packing.ts).
 *
 * 32 values: d f16, m f16, the fifth bits u32, then nibbles; value = d · q + m.
 *
 * Generated from kernels/storage/q5_1.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u8 *src; /* u8 [nOut, rowBytes] */
  u8 *dst; /* u8 [packedBytes(nOut, nIn)] */
  u32 n_out; /* rows; the last group of sixteen is filled with zeros */
  u32 n_in; /* values of a row, a multiple of a block's */
  u32 head_dim; /* 0: rows as in the file; else heads of interleaved pairs become half-split ones */
  u32 dst_group; /* first 16-row group to write */
  u32 group_step; /* 2: every other group is another product's; else 1 */
};
KERF_AT(src, 0);
KERF_AT(dst, 8);
KERF_AT(n_out, 16);
KERF_AT(n_in, 20);
KERF_AT(head_dim, 24);
KERF_AT(dst_group, 28);
KERF_AT(group_step, 32);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 BLOCK_VALUES = 32, BLOCK_BYTES = 24; /* in the file */
static constexpr u32 GROUP_SIZE = 32;

KERF_INLINE i32 q5_1_code(const u8 *b, i32 i)
{
#line 8 "kernels/storage/q5_1.ts"
  const i32 low = i < 16 ? b[8 + i] & 15 : b[8 + i - 16] >> 4;
  const i32 fifth = (b[4 + (i >> 3)] >> (i & 7)) & 1;
  return low | (fifth << 4);
#line 40 "generated/cuda/pack__q5_1.cu"
}

KERF_INLINE float q5_1_scale(const u8 *b)
{
#line 12 "kernels/storage/q5_1.ts"
  return kerf_f16_to_f32(b[0] | (b[1] << 8));
#line 47 "generated/cuda/pack__q5_1.cu"
}

KERF_INLINE float q5_1_offset(const u8 *b)
{
#line 13 "kernels/storage/q5_1.ts"
  return kerf_f16_to_f32(b[2] | (b[3] << 8));
#line 54 "generated/cuda/pack__q5_1.cu"
}

/* GROUP_SIZE values of sixteen rows. */
struct block {
  kerf_f16 scale[16];
  kerf_f16 offset[16];
  u8 codes[GROUP_SIZE][16];
};

/*
 * The file's row for output row `row`. With head_dim the file has a head's channel pairs side by side and
 * the output has all first channels of the pairs, then all second ones.
 */
KERF_INLINE u32 file_row(u32 row, u32 head_dim)
{
  if (head_dim == 0) return row;
  const u32 half = head_dim / 2, c = row % head_dim;
  return row - c + 2 * (c % half) + c / half;
}

/* One block of threads: sixteen output rows at a time, put next to each other value by value. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
pack__q5_1(const __grid_constant__ struct args args)
{
  const u32 n_in = args.n_in;
  const u32 n_items = (args.n_out + 15) / 16;
  const u32 r = kerf_thread() % 16;

  for (u32 group = kerf_block(); group < n_items; group += kerf_n_blocks()) {
    const u32 row = group * 16 + r;
    const bool exists = row < args.n_out;
    const u8 *src = args.src
        + (u64)(n_in / BLOCK_VALUES) * BLOCK_BYTES * file_row(exists ? row : 0, args.head_dim);
    block *blocks = (block *)args.dst
        + (u64)(args.dst_group + group * args.group_step) * (n_in / GROUP_SIZE);
    for (u32 n = kerf_thread() / 16; n < n_in / GROUP_SIZE; n += THREADS / 16) {
      const u8 *b = src + (u64)(n * GROUP_SIZE / BLOCK_VALUES) * BLOCK_BYTES;
      const i32 i = (i32)(n * GROUP_SIZE % BLOCK_VALUES);
      block *dst = blocks + n;
      if (!exists) {
        dst->scale[r] = dst->offset[r] = 0;
        for (u32 j = 0; j < sizeof dst->codes / 16; j++) dst->codes[j][r] = 0;
        continue;
      }
      kerf_store_f16(&dst->scale[r], q5_1_scale(b));
      kerf_store_f16(&dst->offset[r], q5_1_offset(b));
      for (i32 j = 0; j < (i32)GROUP_SIZE; j++) dst->codes[j][r] = (u8)q5_1_code(b, i + j);
    }
  }
}
