/*
 * Merges as `attention_merge` does, over values in the Walsh-Hadamard basis: the output is turned back
 * before it is written.
 *
 * Generated from kernels/ops/attention_merge_turned.ts by `deno task gen`. Do not edit.
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
#include "kerf_basis.h"

static constexpr u32 PARTIAL = HEAD_DIM + 16; /* floats of one split: values, the largest logit, the sum */
static constexpr u32 CHANNELS = (HEAD_DIM + THREADS - 1) / THREADS; /* of a thread */

/*
 * One block: one query head of one decoded row at a time. What each split's values are multiplied by follows
 * from the largest logits alone, so the threads compute that for as many splits as there are threads; what
 * is left in order is one product and one sum a split.
 */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_merge_turned(const __grid_constant__ struct args args)
{
  __shared__ float largest[THREADS], sums[THREADS];
  __shared__ kerf_scales scales[THREADS];
  __shared__ float turned[HEAD_DIM];
  const u32 thread = kerf_thread();
  const u32 n_heads = args.n_heads;
  const u32 n_items = args.step[4] * n_heads; /* nDecode */
  const u32 n_splits = args.step[5]; /* nSplits */

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item % n_heads;
    const u32 row = args.decode_rows[item / n_heads];
    const float *partials = args.partials + (u64)item * n_splits * PARTIAL;

    float largest_before = KERF_MASKED, sum = 0.0f; /* of the splits before `first` */
    float values[CHANNELS] = {};
    for (u32 first = 0; first < n_splits; first += THREADS) {
      const float *partial = partials + (u64)first * PARTIAL;
      const u32 n = kerf_min_u32(n_splits - first, THREADS);
      if (thread < n) {
        largest[thread] = partial[thread * PARTIAL + HEAD_DIM];
        sums[thread] = partial[thread * PARTIAL + HEAD_DIM + 1];
      }
      kerf_sync_threads();
      if (thread < n) {
        float before = largest_before;
        for (u32 split = 0; split < thread; split++)
          before = kerf_larger_logit(before, largest[split]);
        scales[thread] = kerf_softmax_scales(before, largest[thread]);
      }
      kerf_sync_threads();
      KERF_UNROLL_4 for (u32 split = 0; split < n; split++) {
        const kerf_scales by = scales[split];
        sum = sum * by.a + sums[split] * by.b;
        largest_before = kerf_larger_logit(largest_before, largest[split]);
        KERF_UNROLL for (u32 i = 0; i < CHANNELS; i++) {
          const u32 c = thread + i * THREADS;
          if (c < HEAD_DIM) values[i] = values[i] * by.a + partial[split * PARTIAL + c] * by.b;
        }
      }
      kerf_sync_threads();
    }

    KERF_UNROLL for (u32 i = 0; i < CHANNELS; i++) {
      const u32 c = thread + i * THREADS;
      if (c < HEAD_DIM) turned[c] = values[i];
    }
    kerf_turn(turned, HEAD_DIM, HEAD_DIM, THREADS);
    KERF_UNROLL for (u32 i = 0; i < CHANNELS; i++) {
      const u32 c = thread + i * THREADS;
      if (c < HEAD_DIM) values[i] = turned[c];
    }

    float *out = args.out + (u64)row * args.out_stride + head * HEAD_DIM;
    KERF_UNROLL for (u32 i = 0; i < CHANNELS; i++) {
      const u32 c = thread + i * THREADS;
      if (c < HEAD_DIM) out[c] = kerf_finish_softmax(sum, values[i]);
    }
  }
}
