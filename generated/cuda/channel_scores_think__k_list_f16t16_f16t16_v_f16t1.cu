/*
 * ThinK: drops the key channels that matter least to the last queries. A channel's share of the logits
 * is the outer product of its queries and keys, whose Frobenius norm is ‖q_j‖ · ‖k_j‖; the means of the
 * squares rank alike. Costs one pass over the prompt's keys; the recent rows and every decoded one keep all
 * channels, unless `every` bounds them at two to four times the divergence. Above ratio 0.6 needles in the pruned
 * span get lost.
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/think.ts by `deno task gen`. Do not edit.
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
static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 CHUNK_ROWS = 256; /* rows of one partial result */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 HEAD_FIELDS = 6; /* rows and width of every segment */
static constexpr u32 PARTS = 16; /* blocks that share a KV head's channels */
static constexpr u32 PART_CHANNELS = HEAD_DIM / PARTS;
static_assert(HEAD_DIM % PARTS == 0, "HEAD_DIM is a multiple of 16");

/* One block: a part of one KV head's channels at a time, each channel a warp's. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
channel_scores_think__k_list_f16t16_f16t16_v_f16t1(const __grid_constant__ struct args args)
{
  const u32 lane = kerf_lane();
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u32 n_items = args.n_kv_heads * PARTS;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / PARTS, part = item % PARTS;
    const u64 place = layer * args.n_kv_heads + kv_head;
    const u32 n_keys = args.heads[place * HEAD_FIELDS + 2];
    const u32 *pages = args.pages + place * args.page_entries + args.key_page;
    const float key_count = (float)n_keys;
    const float query_count = (float)args.n_window;

    for (u32 of_part = kerf_warp(); of_part < PART_CHANNELS; of_part += WARPS) {
      const u32 first_channel = part * PART_CHANNELS + of_part;
      float mean_square_k_totals = 0.0f;
      /* 256-row partial results, merged in order; within one, lanes meet in a fixed tree. */
      for (u32 first = 0; first < n_keys; first += CHUNK_ROWS) {
        const u32 end = kerf_min_u32(n_keys, first + CHUNK_ROWS);
        float mean_square_k_lanes = 0.0f;
        for (u32 row = first + lane; row < end; row += 32) {
          const kerf_f16 *page = (const kerf_f16 *)(args.arena
              + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
          const u32 in_page = row % PAGE_ROWS;
          const float x = kerf_load_f16(page + in_page / 16 * 16 * HEAD_DIM + first_channel * 16
              + in_page % 16);
          mean_square_k_lanes = mean_square_k_lanes + x * x;
        }
        for (u32 half = 16; half > 0; half /= 2) {
          const float mean_square_k_lanes_other = kerf_shuffle_down(mean_square_k_lanes, half);
          mean_square_k_lanes = mean_square_k_lanes + mean_square_k_lanes_other;
        }
        mean_square_k_totals = mean_square_k_totals + mean_square_k_lanes;
      }

      float total = 0.0f;
      for (u32 g = 0; g < GROUP; g++) {
        const float mean_square_k_lanes = mean_square_k_totals;
#line 41 "src/dsl/reductions.ts"
        const float mean_square_k = mean_square_k_lanes / key_count;
#line 107 "generated/cuda/channel_scores_think__k_list_f16t16_f16t16_v_f16t1.cu"
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
#line 31 "kernels/prune/think.ts"
        const float score = mean_square_q * mean_square_k;
#line 123 "generated/cuda/channel_scores_think__k_list_f16t16_f16t16_v_f16t1.cu"
        total = total + score;
      }
      if (lane == 0) args.scores[place * HEAD_DIM + first_channel] = total / (float)GROUP;
    }
  }
}
