/*
 * Adds a step's queries, before they are rotated, to the moments of every head: the first one that counts,
 * the sum of all differences from it, the sum of their products. A sequence's first rows do not count.
 *
 * Generated from kernels/ops/query_moments.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *qkv; /* f32 [nRows, qkv_stride] */
  const u32 *seqs; /* u32 [nSeqs, 4] */
  float *moments; /* f32 [nSlots, nLayers, nHeads, headDim + 2, headDim] */
  const u32 *step; /* u32 [stepFields] */
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 qkv_stride; /* elements between rows of qkv */
  u32 skip; /* first rows of a sequence that do not count */
};
KERF_AT(qkv, 0);
KERF_AT(seqs, 8);
KERF_AT(moments, 16);
KERF_AT(step, 24);
KERF_AT(layer, 32);
KERF_AT(n_layers, 36);
KERF_AT(n_heads, 40);
KERF_AT(qkv_stride, 44);
KERF_AT(skip, 48);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 MOMENTS = (HEAD_DIM + 2) * HEAD_DIM; /* the first query, sums, products */

/*
 * One block: one query head of a sequence at a time. Differences from the first query keep their digits where
 * the mean is large. Each thread has sums of its own, and takes the step's queries in order.
 */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
query_moments(const __grid_constant__ struct args args)
{
  const u32 n_items = args.step[1] * args.n_heads; /* nSeqs */

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item % args.n_heads;
    const u32 *seq = args.seqs + 4 * (u64)(item / args.n_heads);
    const u32 position = seq[2], n_skipped = position < args.skip ? args.skip - position : 0;
    const bool begins = position <= args.skip;
    if (n_skipped >= seq[0]) continue;
    float *moments = args.moments
        + (((u64)seq[3] * args.n_layers + args.layer) * args.n_heads + head) * MOMENTS;
    const float *q = args.qkv + (u64)(seq[1] + n_skipped) * args.qkv_stride + head * HEAD_DIM;
    const float *first = begins ? q : moments;
    const u32 n = seq[0] - n_skipped;
    for (u32 i = kerf_thread(); i < HEAD_DIM * HEAD_DIM; i += THREADS) {
      const u32 a = i / HEAD_DIM, b = i % HEAD_DIM;
      float sum = begins ? 0.0f : moments[2 * HEAD_DIM + i];
      for (u32 row = 0; row < n; row++) {
        const float *x = q + (u64)row * args.qkv_stride;
        sum = kerf_fma(x[a] - first[a], x[b] - first[b], sum);
      }
      moments[2 * HEAD_DIM + i] = sum;
    }
    for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
      float sum = begins ? 0.0f : moments[HEAD_DIM + c];
      for (u32 row = 0; row < n; row++) sum = sum + (q[(u64)row * args.qkv_stride + c] - first[c]);
      moments[HEAD_DIM + c] = sum;
      if (begins) moments[c] = q[c];
    }
  }
}
