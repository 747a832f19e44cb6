/*
 * Merges the partial softmaxes of one decoded row and query head, in order: each partial holds the
 * weighted values, the largest logit and the sum of weights of one 256-row chunk of the cache.
 *
 * Generated from kernels/ops/attention_merge.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *partials; /* f32 [nDecode, nHeads, nSplits, headDim + 16] */
  const u32 *decode_rows; /* u32 [nDecode] */
  float *out; /* f32 [nRows, nHeads * headDim] */
  const u32 *step; /* u32 [stepFields] */
  u32 n_heads;
  u32 out_stride; /* elements between rows of out */
};
KERF_AT(partials, 0);
KERF_AT(decode_rows, 8);
KERF_AT(out, 16);
KERF_AT(step, 24);
KERF_AT(n_heads, 32);
KERF_AT(out_stride, 36);

static constexpr u32 THREADS = 64; /* of a block */

#include "kerf_softmax.h"

/* One block: one query head of one decoded row at a time, a channel per thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_merge(const __grid_constant__ struct args args)
{
  const u32 n_heads = args.n_heads;
  const u32 n_items = args.step[4] * n_heads; /* nDecode */
  const u32 n_splits = args.step[5]; /* nSplits */

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item % n_heads;
    const u32 row = args.decode_rows[item / n_heads];
    const float *partials = args.partials + (u64)item * n_splits * (HEAD_DIM + 16);
    float *out = args.out + (u64)row * args.out_stride + head * HEAD_DIM;

    for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
      float largest = KERF_MASKED, sum = 0.0f, value = 0.0f;
      const float *partial = partials;
      for (u32 split = 0; split < n_splits; split++, partial += HEAD_DIM + 16) {
        const kerf_scales scales = kerf_merge_softmax(&largest, &sum, partial[HEAD_DIM],
            partial[HEAD_DIM + 1]);
        value = value * scales.a + partial[c] * scales.b;
      }
      out[c] = kerf_finish_softmax(sum, value);
    }
  }
}
