/*
 * Drops key channels at random, by a seed: the baseline that any score must beat.
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/random_channels.ts by `deno task gen`. Do not edit.
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
  const float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 6] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in pages */
  u32 key_page; /* first page entry of the last segment of keys */
  u32 window; /* places of the ring */
  u32 n_window; /* queries in it */
  i32 seed; /* of the random numbers */
};
KERF_AT(q_ring, 0);
KERF_AT(pages, 8);
KERF_AT(heads, 16);
KERF_AT(arena, 24);
KERF_AT(scores, 32);
KERF_AT(slot, 40);
KERF_AT(layer, 44);
KERF_AT(n_layers, 48);
KERF_AT(n_heads, 52);
KERF_AT(n_kv_heads, 56);
KERF_AT(page_entries, 60);
KERF_AT(key_page, 64);
KERF_AT(window, 68);
KERF_AT(n_window, 72);
KERF_AT(seed, 76);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 WARPS = THREADS / 32;
static constexpr u32 PARTS = 16; /* blocks that share a KV head's channels */
static constexpr u32 PART_CHANNELS = HEAD_DIM / PARTS;
static_assert(HEAD_DIM % PARTS == 0, "HEAD_DIM is a multiple of 16");

/* One block: a part of one KV head's channels at a time, each channel a warp's. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1(
    const __grid_constant__ struct args args)
{
  const u32 lane = kerf_lane();
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u32 n_items = args.n_kv_heads * PARTS;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / PARTS, part = item % PARTS;
    const u64 place = layer * args.n_kv_heads + kv_head;
    const i32 layer_index = (i32)args.layer;
    const i32 kv_head_index = (i32)kv_head;
#line 21 "src/dsl/bits.ts"
    const i32 index = args.seed ^ kerf_mul_i32(layer_index, (i32)0x9e3779b1)
        ^ kerf_mul_i32(kv_head_index, (i32)0x85ebca6b);

#line 76 "generated/cuda/channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1.cu"
    for (u32 of_part = kerf_warp(); of_part < PART_CHANNELS; of_part += WARPS) {
      const u32 first_channel = part * PART_CHANNELS + of_part;
      const i32 channel = (i32)first_channel;
      float total = 0.0f;
      for (u32 g = 0; g < GROUP; g++) {
#line 21 "src/dsl/bits.ts"
        const i32 x0 = index ^ kerf_mul_i32(channel, (i32)0xc2b2ae35);
#line 23 "src/dsl/bits.ts"
        const i32 x1 = kerf_mul_i32(x0 ^ (i32)((u32)x0 >> 16), 0x21f0aaad);
        const i32 x2 = kerf_mul_i32(x1 ^ (i32)((u32)x1 >> 15), 0x735a2d97);
        const i32 x3 = x2 ^ (i32)((u32)x2 >> 15);
        const float score = (float)((i32)((u32)x3 >> 8) & 0xffffff) / 16777216.0f;
#line 89 "generated/cuda/channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1.cu"
        total = total + score;
      }
      if (lane == 0) args.scores[place * HEAD_DIM + first_channel] = total / (float)GROUP;
    }
  }
}
