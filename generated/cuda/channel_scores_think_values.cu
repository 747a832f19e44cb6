/*
 * ThinK for values: drops the value channels that the last queries get least out of. A channel's share of
 * attention's output is softmax(q·kᵀ/√headDim)·v_j over those queries; its square, averaged over the group's
 * heads, ranks as the norm of all of them. Missing channels read as zero. Costs one attention of the window
 * over the prompt. Hurts more than dropping keys: 0.5 costs 1.7 times think's divergence at 0.5.
 * Scores of every value channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/think_values.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif
#ifndef GROUP
#error "compile with -DGROUP=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *outputs; /* f32 [nHeads, n_window, headDim] */
  float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 n_window; /* queries of the window */
};
KERF_AT(outputs, 0);
KERF_AT(scores, 8);
KERF_AT(slot, 16);
KERF_AT(layer, 20);
KERF_AT(n_layers, 24);
KERF_AT(n_kv_heads, 28);
KERF_AT(n_window, 32);

static constexpr u32 THREADS = 64; /* of a block */

/* One block: the channels of one KV head, one per thread; queries in order. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
channel_scores_think_values(const __grid_constant__ struct args args)
{
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + kv_head;
    const float query_count = (float)args.n_window;

    for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
      float total = 0.0f;
      for (u32 g = 0; g < GROUP; g++) {
        float mean_square_q_lanes = 0.0f;
        const float *outputs = args.outputs + ((u64)kv_head * GROUP + g) * args.n_window * HEAD_DIM
            + c;
        for (u32 query = 0; query < args.n_window; query++) {
          const float x = outputs[(u64)query * HEAD_DIM];
          mean_square_q_lanes = mean_square_q_lanes + x * x;
        }
#line 41 "src/dsl/reductions.ts"
        const float mean_square_q = mean_square_q_lanes / query_count;

#line 63 "generated/cuda/channel_scores_think_values.cu"
        total = total + mean_square_q;
      }
      args.scores[place * HEAD_DIM + c] = total / (float)GROUP;
    }
  }
}
