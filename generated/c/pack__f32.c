/*
 * Packs F32 as f32 (src/core/packing.ts).
 *
 * IEEE single: the bits as they are.
 *
 * Generated from kernels/storage/f32.ts by `deno task gen`. Do not edit.
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

static inline int32_t f32_code(const uint8_t *b, int32_t i)
{
  (void)i;
#line 7 "kernels/storage/f32.ts"
  return b[0] | (b[1] << 8) | (b[2] << 16) | (b[3] << 24);
#line 33 "generated/c/pack__f32.c"
}

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

/* One item: sixteen output rows, put next to each other value by value. */
static void pack__f32(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t n_in = args->n_in;
  const size_t row_bytes = (size_t)n_in * 4;

  for (uint32_t group = first; group < last; group++) {
    const uint32_t n_rows = kerf_lanes(args->n_out - group * 16);
    kerf_f32_bits *dst = (kerf_f32_bits *)args->dst
        + (size_t)(args->dst_group + group * args->group_step) * n_in * 16;
    const uint8_t *src[16];
    for (uint32_t r = 0; r < n_rows; r++) {
      src[r] = args->src + row_bytes * file_row(group * 16 + r, args->head_dim);
    }
    for (uint32_t c = 0; c < n_in; c++, dst += 16) {
      for (uint32_t r = 0; r < n_rows; r++) {
        dst[r] = (kerf_f32_bits)f32_code(src[r] + (size_t)c * 4, 0);
      }
      for (uint32_t r = n_rows; r < 16; r++) dst[r] = 0;
    }
  }
}

KERF_EXPORT uint64_t pack__f32_address(void);
uint64_t pack__f32_address(void)
{
  return (uint64_t)(uintptr_t)pack__f32;
}
