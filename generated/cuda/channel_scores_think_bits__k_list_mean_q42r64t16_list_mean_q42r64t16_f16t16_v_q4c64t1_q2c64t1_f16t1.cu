/*
 * ThinK's question asked further: not which key channels to drop but how many bits each is worth, and not which
 * rows to evict but which keep their values in more bits. A channel's error shows in the logits as large as its
 * queries are: channels get 0, 2 or 4 bits where these errors, by their rows' scores, sum to the least at `keys`
 * bits a channel and row, scales included; without bits a channel reads as its mean. The share `high` of the rows
 * that the last queries attend to most has values of 4 bits, the others of 2; below a budget of 0.11 of 2 and of
 * none, which read as their mean. Each has bits of channels of its own. `budget` splits itself; only rows that are
 * coded count. Costs two passes over the keys that are coded and a softmax of the window. What the window does not
 * ask for is only coarser; below 0.12 needles get lost. `turned=1` codes values in a Hadamard basis, which is worth
 * up to a quarter; heads must have 2ⁿ channels.
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/think_bits.ts by `deno task gen`. Do not edit.
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
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 12] */
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

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 WARPS = THREADS / 32;
static constexpr u32 PARTS = 16; /* blocks that share a KV head's channels */
static constexpr u32 PART_CHANNELS = HEAD_DIM / PARTS;
static_assert(HEAD_DIM % PARTS == 0, "HEAD_DIM is a multiple of 16");

/* One block: a part of one KV head's channels at a time, each channel a warp's. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
    const __grid_constant__ struct args args)
{
  const u32 lane = kerf_lane();
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u32 n_items = args.n_kv_heads * PARTS;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / PARTS, part = item % PARTS;
    const u64 place = layer * args.n_kv_heads + kv_head;
    const float query_count = (float)args.n_window;

    for (u32 of_part = kerf_warp(); of_part < PART_CHANNELS; of_part += WARPS) {
      const u32 first_channel = part * PART_CHANNELS + of_part;
      float total = 0.0f;
      for (u32 g = 0; g < GROUP; g++) {
        float mean_square_q_lanes = 0.0f;
        const u64 head = layer * args.n_heads + kv_head * GROUP + g;
        const float *window = args.q_ring + head * args.window * HEAD_DIM + first_channel;
        for (u32 query = lane; query < args.n_window; query += 32) {
          const float x = window[(u64)query * HEAD_DIM];
          mean_square_q_lanes = mean_square_q_lanes + x * x;
        }
        for (u32 half = 16; half > 0; half /= 2) {
          const float mean_square_q_lanes_other = kerf_shuffle_down(mean_square_q_lanes, half);
          mean_square_q_lanes = mean_square_q_lanes + mean_square_q_lanes_other;
        }
#line 41 "src/dsl/reductions.ts"
        const float mean_square_q = mean_square_q_lanes / query_count;

#line 96 "generated/cuda/channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1.cu"
        total = total + mean_square_q;
      }
      if (lane == 0) args.scores[place * HEAD_DIM + first_channel] = total / (float)GROUP;
    }
  }
}
