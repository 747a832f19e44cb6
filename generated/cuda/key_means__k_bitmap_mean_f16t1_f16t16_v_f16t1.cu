/*
 * The mean of every channel over a layer's whole keys, rounded to f16: what it reads as where a row lacks it.
 *
 * Generated from kernels/ops/key_means.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *fills; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in pages */
  u32 key_page; /* first page entry of the last segment of keys */
};
KERF_AT(pages, 0);
KERF_AT(heads, 8);
KERF_AT(arena, 16);
KERF_AT(fills, 24);
KERF_AT(slot, 32);
KERF_AT(layer, 36);
KERF_AT(n_layers, 40);
KERF_AT(n_kv_heads, 44);
KERF_AT(page_entries, 48);
KERF_AT(key_page, 52);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 HEAD_FIELDS = 6; /* rows and width of every segment */
static constexpr u32 CHANNELS = THREADS / TILE_ROWS; /* that are summed side by side */
static_assert(HEAD_DIM % CHANNELS == 0, "HEAD_DIM is a multiple of 16");

/* One block: one KV head at a time. Sixteen threads share a channel, a row of each tile each. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
key_means__k_bitmap_mean_f16t1_f16t16_v_f16t1(const __grid_constant__ struct args args)
{
  const u32 lane = kerf_thread() % TILE_ROWS;
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u32 n_items = args.n_kv_heads;

  for (u32 kv_head = kerf_block(); kv_head < n_items; kv_head += kerf_n_blocks()) {
    const u64 place = layer * args.n_kv_heads + kv_head;
    const u32 *pages = args.pages + place * args.page_entries + args.key_page;
    const u32 n_rows = args.heads[place * HEAD_FIELDS + 2];
    for (u32 c = kerf_thread() / TILE_ROWS; c < HEAD_DIM; c += CHANNELS) {
      float sum = 0.0f;
      for (u32 row = lane; row < n_rows; row += TILE_ROWS) {
        const kerf_f16 *page = (const kerf_f16 *)(args.arena
            + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
        sum = sum
            + kerf_load_f16(page + row % PAGE_ROWS / TILE_ROWS * TILE_ROWS * HEAD_DIM
            + c * TILE_ROWS + lane);
      }
      for (u32 half = TILE_ROWS / 2; half > 0; half /= 2) sum = sum + kerf_shuffle_xor(sum, half);
      const float mean = n_rows == 0 ? 0.0f : sum / (float)n_rows;
      if (lane == 0) args.fills[place * HEAD_DIM + c] = kerf_f16_to_f32(kerf_f32_to_f16(mean));
    }
  }
}
