/*
 * `attention_merge_turned`, which also leaves the softmax of each row, as `attention_merge_recording` does.
 * out is stored as 8-bit codes.
 *
 * Generated from kernels/ops/attention_merge_turned_recording.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const float *partials; /* f32 [nDecode, nHeads, nSplits, headDim + 16] */
  const uint32_t *decode_rows; /* u32 [nDecode] */
  uint8_t *out; /* u8 [nRows, q8RowBytes(nHeads * headDim)] */
  const uint32_t *step; /* u32 [stepFields] */
  float *row_softmax; /* f32 [nRows, nHeads, 2] */
  uint32_t n_heads;
  uint32_t out_stride; /* elements between rows of out */
};
_Static_assert(offsetof(struct args, partials) == 0, "partials");
_Static_assert(offsetof(struct args, decode_rows) == 8, "decode_rows");
_Static_assert(offsetof(struct args, out) == 16, "out");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, row_softmax) == 32, "row_softmax");
_Static_assert(offsetof(struct args, n_heads) == 40, "n_heads");
_Static_assert(offsetof(struct args, out_stride) == 44, "out_stride");

#include "kerf_native.h"
#include "kerf_softmax.h"
#include "kerf_outputs.h"
#include "kerf_basis.h"

/* One item: one query head of one decoded row. */
static void attention_merge_turned_recording_q8(const struct args *restrict args, uint32_t first,
    uint32_t last)
{
  const uint32_t n_splits = args->step[5]; /* nSplits */
  const uint32_t n_heads = args->n_heads;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t head = item % n_heads;
    const uint32_t row = args->decode_rows[item / n_heads];
    const float *partial = args->partials + (size_t)item * n_splits * (HEAD_DIM + 16);

    float largest = KERF_MASKED, sum = 0.0f;
    float values[HEAD_DIM] = {0};
    for (uint32_t split = 0; split < n_splits; split++, partial += HEAD_DIM + 16) {
      kerf_merge_softmax(&largest, &sum, values, partial[HEAD_DIM], partial[HEAD_DIM + 1], partial,
          HEAD_DIM);
    }
    kerf_turn(values, HEAD_DIM);
    kerf_finish_softmax_q8(sum, values,
        kerf_q8_at(args->out, (size_t)row * args->out_stride + head * HEAD_DIM), HEAD_DIM);

    float *softmax = args->row_softmax + 2 * ((size_t)row * n_heads + head);
    softmax[0] = largest;
    softmax[1] = sum;
  }
}

KERF_EXPORT uint64_t attention_merge_turned_recording_q8_address(void);
uint64_t attention_merge_turned_recording_q8_address(void)
{
  return (uint64_t)(uintptr_t)attention_merge_turned_recording_q8;
}
