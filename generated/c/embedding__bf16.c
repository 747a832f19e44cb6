/*
 * Token embedding: row tokens[r] of the packed table.
 * The table is packed as bf16 (src/core/packing.ts).
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

/* One item: one row. */
static void embedding__bf16(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const kerf_bf16 *weight = (const kerf_bf16 *)args->weight;
  const uint32_t width = args->width;

  for (uint32_t row = first; row < last; row++) {
    const uint32_t token = args->tokens[row] - args->first_row;
    if (token >= args->n_rows) continue;
    /* Sixteen rows lie next to each other, input by input. */
    const kerf_bf16 *column = weight + (size_t)(token / 16) * width * 16 + token % 16;
    float *y_row = args->y + (size_t)row * args->y_stride;

    for (uint32_t c = 0; c < width; c += 16) {
      const uint32_t n = kerf_lanes(width - c);
      f32x16 x = {0};
      for (uint32_t j = 0; j < n; j++) x[j] = kerf_load_bf16(&column[(size_t)(c + j) * 16]);

      kerf_store16_first(&y_row[c], x, n);
    }
  }
}

KERF_EXPORT uint64_t embedding__bf16_address(void);
uint64_t embedding__bf16_address(void)
{
  return (uint64_t)(uintptr_t)embedding__bf16;
}
