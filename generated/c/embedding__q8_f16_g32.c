/*
 * Token embedding: row tokens[r] of the packed table.
 * The table is packed as q8_f16_g32 (src/core/packing.ts).
 *
 * Generated from kernels/ops/embedding.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const uint32_t *tokens; /* u32 [nRows] */
  const uint8_t *weight; /* u8 [packedBytes(n_rows, width)] */
  float *y; /* f32 [nRows, y_stride] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t width; /* elements of a row, a multiple of the packed group */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t first_row; /* the token of the weight's first row */
  uint32_t n_rows; /* rows in the weight; the others' tokens are left alone */
};
_Static_assert(offsetof(struct args, tokens) == 0, "tokens");
_Static_assert(offsetof(struct args, weight) == 8, "weight");
_Static_assert(offsetof(struct args, y) == 16, "y");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, width) == 32, "width");
_Static_assert(offsetof(struct args, y_stride) == 36, "y_stride");
_Static_assert(offsetof(struct args, first_row) == 40, "first_row");
_Static_assert(offsetof(struct args, n_rows) == 44, "n_rows");

#define GROUP_SIZE 32

/* GROUP_SIZE inputs of sixteen rows. */
struct block {
  kerf_f16 scale[16];
  kerf_f16 offset[16];
  uint8_t codes[GROUP_SIZE][16];
};

/* One item: one row. */
static void embedding__q8_f16_g32(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const struct block *weight = (const struct block *)args->weight;
  const uint32_t blocks = args->width / GROUP_SIZE;

  for (uint32_t row = first; row < last; row++) {
    const uint32_t token = args->tokens[row] - args->first_row;
    if (token >= args->n_rows) continue;
    const uint32_t lane = token % 16;
    const struct block *block = weight + (size_t)(token / 16) * blocks;
    float *y_row = args->y + (size_t)row * args->y_stride;

    for (uint32_t i = 0; i < blocks; i++, block++) {
      const f32x16 scale = kerf_splat16(kerf_load_f16(&block->scale[lane]));
      const f32x16 offset = kerf_splat16(kerf_load_f16(&block->offset[lane]));
      for (uint32_t c = 0; c < GROUP_SIZE; c += 16) {
        i32x16 codes;
        for (uint32_t j = 0; j < 16; j++) {
          codes[j] = block->codes[c + j][lane];
        }
        const f32x16 x = kerf_fma16(scale, kerf_to_f32x16(codes), offset);

        kerf_store16(&y_row[i * GROUP_SIZE + c], x);
      }
    }
  }
}

KERF_EXPORT uint64_t embedding__q8_f16_g32_address(void);
uint64_t embedding__q8_f16_g32_address(void)
{
  return (uint64_t)(uintptr_t)embedding__q8_f16_g32;
}
