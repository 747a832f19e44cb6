/*
 * The gated unit of a feed-forward layer: y = silu(gate) · up, silu(x) = x / (1 + e^−x).
 *
 * Generated from kernels/ops/swiglu.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *gate; /* f32 [nRows, gate_stride] */
  const float *up; /* f32 [nRows, up_stride] */
  float *y; /* f32 [nRows, y_stride] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t width;
  uint32_t gate_stride; /* elements between rows of gate */
  uint32_t gate_offset; /* elements before the first column of gate */
  uint32_t up_stride; /* elements between rows of up */
  uint32_t up_offset; /* elements before the first column of up */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first column of y */
};
_Static_assert(offsetof(struct args, gate) == 0, "gate");
_Static_assert(offsetof(struct args, up) == 8, "up");
_Static_assert(offsetof(struct args, y) == 16, "y");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, rows_field) == 32, "rows_field");
_Static_assert(offsetof(struct args, width) == 36, "width");
_Static_assert(offsetof(struct args, gate_stride) == 40, "gate_stride");
_Static_assert(offsetof(struct args, gate_offset) == 44, "gate_offset");
_Static_assert(offsetof(struct args, up_stride) == 48, "up_stride");
_Static_assert(offsetof(struct args, up_offset) == 52, "up_offset");
_Static_assert(offsetof(struct args, y_stride) == 56, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 60, "y_offset");

/* One item: one row. */
static void swiglu(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t width = args->width;

  for (uint32_t row = first; row < last; row++) {
    const float *gate_row = args->gate + (size_t)row * args->gate_stride + args->gate_offset;
    const float *up_row = args->up + (size_t)row * args->up_stride + args->up_offset;
    float *y_row = args->y + (size_t)row * args->y_stride + args->y_offset;

    for (uint32_t c = 0; c < width; c += 16) {
      const uint32_t n = kerf_lanes(width - c);
      const f32x16 gate = kerf_load16_first(&gate_row[c], n);
      const f32x16 up = kerf_load16_first(&up_row[c], n);
#line 8 "kernels/ops/swiglu.ts"
      const f32x16 y = gate / (1.0f + kerf_exp16(-gate)) * up;
#line 52 "generated/c/swiglu.c"
      kerf_store16_first(&y_row[c], y, n);
    }
  }
}

KERF_EXPORT uint64_t swiglu_address(void);
uint64_t swiglu_address(void)
{
  return (uint64_t)(uintptr_t)swiglu;
}
