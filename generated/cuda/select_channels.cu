/*
 * Keeps the channels of the highest scores: `widths` of them per KV head, in ascending order; equal
 * scores keep the lower channel.
 *
 * Generated from kernels/ops/select_channels.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  const u32 *widths; /* u32 [nLayers, nKvHeads] */
  u32 *channels; /* u32 [nSlots, nLayers, nKvHeads, headDim] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
};
KERF_AT(scores, 0);
KERF_AT(widths, 8);
KERF_AT(channels, 16);
KERF_AT(slot, 24);
KERF_AT(layer, 28);
KERF_AT(n_layers, 32);
KERF_AT(n_kv_heads, 36);

static constexpr u32 THREADS = 128; /* of a block */

/* One block: one KV head at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
select_channels(const __grid_constant__ struct args args)
{
  __shared__ float score[HEAD_DIM];
  __shared__ bool kept[HEAD_DIM];
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const float *scores = args.scores + (layer * args.n_kv_heads + kv_head) * HEAD_DIM;
    u32 *channels = args.channels + (layer * args.n_kv_heads + kv_head) * HEAD_DIM;
    const u32 width = args.widths[args.layer * args.n_kv_heads + kv_head];

    /* A score that is no number ranks below every other. */
    for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
      score[c] = scores[c] == scores[c] ? scores[c] : kerf_from_bits(0xff800000u);
    }
    kerf_sync_threads();
    for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
      /* Channels that come before c in the order of scores, equal ones by index. */
      u32 rank = 0;
      for (u32 other = 0; other < HEAD_DIM; other++) {
        rank += score[other] > score[c] || (score[other] == score[c] && other < c);
      }
      kept[c] = rank < width;
    }
    kerf_sync_threads();
    for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
      if (!kept[c]) continue;
      u32 place = 0;
      for (u32 other = 0; other < c; other++) place += kept[other];
      channels[place] = c;
    }
    kerf_sync_threads();
  }
}
