/*
 * Packs F32 as f32 (src/core/packing.ts).
 *
 * IEEE single: the bits as they are.
 *
 * Generated from kernels/storage/f32.ts by `deno task gen`. Do not edit.
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

static constexpr u32 BLOCK_BYTES = 4; /* of a value in the file */

KERF_INLINE i32 f32_code(const u8 *b)
{
#line 7 "kernels/storage/f32.ts"
  return b[0] | (b[1] << 8) | (b[2] << 16) | (i32)((u32)b[3] << 24);
#line 37 "generated/cuda/pack__f32.cu"
}

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

/* One block: sixteen output rows at a time, put next to each other value by value. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
pack__f32(const __grid_constant__ struct args args)
{
  const u32 n_in = args.n_in;
  const u32 n_items = (args.n_out + 15) / 16;
  const u32 r = kerf_thread() % 16;

  for (u32 group = kerf_block(); group < n_items; group += kerf_n_blocks()) {
    const u32 row = group * 16 + r;
    const bool exists = row < args.n_out;
    const u8 *src = args.src + (u64)n_in * BLOCK_BYTES * file_row(exists ? row : 0, args.head_dim);
    kerf_f32_bits *dst = (kerf_f32_bits *)args.dst
        + (u64)(args.dst_group + group * args.group_step) * n_in * 16 + r;
    for (u32 c = kerf_thread() / 16; c < n_in; c += THREADS / 16) {
      dst[(u64)c * 16] = exists ? (kerf_f32_bits)f32_code(src + (u64)c * BLOCK_BYTES) : 0;
    }
  }
}
