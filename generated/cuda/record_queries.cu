/*
 * Keeps the last `window` rotated queries of every sequence in a ring: row p of the sequence goes to
 * place p mod window, so that scores at the end of prefill do not depend on how it was chunked.
 *
 * Generated from kernels/ops/record_queries.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *qkv; /* f32 [nRows, qkvStride] */
  const u32 *row_seq; /* u32 [nRows] */
  const u32 *seqs; /* u32 [nSeqs, 4] */
  float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  const u32 *step; /* u32 [stepFields] */
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 qkv_stride; /* elements between rows of qkv */
  u32 window; /* places of the ring */
};
KERF_AT(qkv, 0);
KERF_AT(row_seq, 8);
KERF_AT(seqs, 16);
KERF_AT(q_ring, 24);
KERF_AT(step, 32);
KERF_AT(layer, 40);
KERF_AT(n_layers, 44);
KERF_AT(n_heads, 48);
KERF_AT(qkv_stride, 52);
KERF_AT(window, 56);

static constexpr u32 THREADS = 128; /* of a block */

/* One block: one row at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
record_queries(const __grid_constant__ struct args args)
{
  const u32 window = args.window;
  const u32 n_items = args.step[0]; /* nRows */

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const u32 *seq = args.seqs + 4 * (u64)args.row_seq[row];
    const u32 n_query = seq[0], offset = row - seq[1], slot = seq[3];
    /* Of two rows of this step that share a place the later one stays, whoever runs first. */
    if (n_query - offset > window) continue;

    const u32 place = (seq[2] + offset) % window;
    const float *q = args.qkv + (u64)row * args.qkv_stride;
    const u64 layer = (u64)slot * args.n_layers + args.layer;
    for (u32 i = kerf_thread(); i < args.n_heads * HEAD_DIM; i += THREADS) {
      const u64 head = layer * args.n_heads + i / HEAD_DIM;
      args.q_ring[(head * window + place) * HEAD_DIM + i % HEAD_DIM] = q[i];
    }
  }
}
