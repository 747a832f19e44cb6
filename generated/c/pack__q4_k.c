/*
 * Packs Q4_K as q4_f32_g32 (src/core/packing.ts).
 *
 * 256 values: d f16, dmin f16, eight 6-bit scales and minima in 12 bytes, then nibbles in 32-byte runs
 * (low: the first 32 of a 64, high: the second); value = d · scale · q − dmin · min.
 *
 * Generated from kernels/storage/q4_k.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const uint8_t *src; /* u8 [nOut, rowBytes] */
  uint8_t *dst; /* u8 [packedBytes(nOut, nIn)] */
  uint32_t n_out; /* rows; the last group of sixteen is filled with zeros */
  uint32_t n_in; /* values of a row, a multiple of a block's */
  uint32_t head_dim; /* 0: rows as in the file; else heads of interleaved pairs become half-split ones */
  uint32_t dst_group; /* first 16-row group to write */
  uint32_t group_step; /* 2: every other group is another product's; else 1 */
};
_Static_assert(offsetof(struct args, src) == 0, "src");
_Static_assert(offsetof(struct args, dst) == 8, "dst");
_Static_assert(offsetof(struct args, n_out) == 16, "n_out");
_Static_assert(offsetof(struct args, n_in) == 20, "n_in");
_Static_assert(offsetof(struct args, head_dim) == 24, "head_dim");
_Static_assert(offsetof(struct args, dst_group) == 28, "dst_group");
_Static_assert(offsetof(struct args, group_step) == 32, "group_step");

#define BLOCK_VALUES 256
#define BLOCK_BYTES 144
#define GROUP_SIZE 32
#define GROUPS (BLOCK_VALUES / GROUP_SIZE)
#define CODE_BYTES (GROUP_SIZE / 2) /* low nibbles: value j; high nibbles: value j + GROUP_SIZE / 2 */

static inline int32_t q4_k_code(const uint8_t *b, int32_t i)
{
#line 19 "kernels/storage/q4_k.ts"
  return (b[16 + (i >> 6) * 32 + (i & 31)] >> (((i >> 5) & 1) * 4)) & 15;
#line 39 "generated/c/pack__q4_k.c"
}

static inline float q4_k_scale(const uint8_t *b, int32_t i)
{
#line 6 "kernels/storage/q4_k.ts"
  const int32_t index = 4 + (i >> 5);
#line 20 "kernels/storage/q4_k.ts"
  return kerf_f16_to_f32(b[0] | (b[1] << 8))
      * (float)((i >> 5) < 4 ? b[index] & 63 : (b[index + 4] & 15) | ((b[index - 4] >> 6) << 4));
#line 49 "generated/c/pack__q4_k.c"
}

static inline float q4_k_offset(const uint8_t *b, int32_t i)
{
#line 10 "kernels/storage/q4_k.ts"
  const int32_t index = 4 + (i >> 5);
#line 10 "kernels/storage/q4_k.ts"
  const int32_t index_2 = index + 4;
#line 21 "kernels/storage/q4_k.ts"
  return -kerf_f16_to_f32(b[2] | (b[3] << 8))
      * (float)((i >> 5) < 4 ? b[index_2] & 63 : (b[index_2] >> 4) | ((b[index] >> 6) << 4));
#line 61 "generated/c/pack__q4_k.c"
}

/* GROUP_SIZE values of sixteen rows. */
struct block {
  kerf_f32 scale[16];
  kerf_f32 offset[16];
  uint8_t codes[CODE_BYTES][16];
};

/*
 * The file's row for output row `row`. With head_dim the file has a head's channel pairs side by side and
 * the output has all first channels of the pairs, then all second ones.
 */
static inline uint32_t file_row(uint32_t row, uint32_t head_dim)
{
  if (head_dim == 0) return row;
  const uint32_t half = head_dim / 2, c = row % head_dim;
  return row - c + 2 * (c % half) + c / half;
}

/*
 * The packed bytes of one block of a row, in the row's own order, with the scale and offset of each group.
 * Groups are unrolled, so that a group's place in the block is a constant and its codes are vectors.
 */
static inline void unpack_block(
  const uint8_t *b, uint8_t codes[GROUPS][CODE_BYTES], float scale[GROUPS], float offset[GROUPS])
{
  KERF_UNROLL
  for (int32_t g = 0; g < GROUPS; g++) {
    const int32_t i = g * GROUP_SIZE;
    scale[g] = q4_k_scale(b, i);
    offset[g] = q4_k_offset(b, i);
    for (int32_t j = 0; j < CODE_BYTES; j++) {
      codes[g][j] = (uint8_t)(q4_k_code(b, i + j) | q4_k_code(b, i + j + GROUP_SIZE / 2) << 4);
    }
  }
}

/* One item: sixteen output rows, put next to each other value by value. */
static void pack__q4_k(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t n_in = args->n_in;
  const size_t row_bytes = (size_t)(n_in / BLOCK_VALUES) * BLOCK_BYTES;

  for (uint32_t group = first; group < last; group++) {
    const uint32_t n_rows = kerf_lanes(args->n_out - group * 16);
    struct block *dst = (struct block *)args->dst
        + (size_t)(args->dst_group + group * args->group_step) * (n_in / GROUP_SIZE);
    const uint8_t *src[16];
    for (uint32_t r = 0; r < n_rows; r++) {
      src[r] = args->src + row_bytes * file_row(group * 16 + r, args->head_dim);
    }
    for (size_t at = 0; at < row_bytes; at += BLOCK_BYTES, dst += GROUPS) {
      uint8_t rows[16][GROUPS][CODE_BYTES] = {0};
      float scale[16][GROUPS] = {0}, offset[16][GROUPS] = {0};
      for (uint32_t r = 0; r < n_rows; r++) unpack_block(src[r] + at, rows[r], scale[r], offset[r]);

      for (uint32_t g = 0; g < GROUPS; g++) {
        for (uint32_t r = 0; r < 16; r++) {
          kerf_store_f32(&dst[g].scale[r], scale[r][g]);
          kerf_store_f32(&dst[g].offset[r], offset[r][g]);
        }
        for (uint32_t j = 0; j < CODE_BYTES; j += 16) {
          u8x16 columns[16];
          for (uint32_t r = 0; r < 16; r++) memcpy(&columns[r], &rows[r][g][j], 16);
          kerf_transpose16_u8(columns);
          memcpy(dst[g].codes[j], columns, sizeof columns);
        }
      }
    }
  }
}

KERF_EXPORT uint64_t pack__q4_k_address(void);
uint64_t pack__q4_k_address(void)
{
  return (uint64_t)(uintptr_t)pack__q4_k;
}
