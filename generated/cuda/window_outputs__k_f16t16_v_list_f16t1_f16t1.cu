/*
 * What attention makes for the last `n_window` queries over every row of a layer, before any of them loses a
 * channel: causal by true positions, without the variant's score and mask. f32 [nHeads, n_window, headDim].
 *
 * Generated from kernels/ops/window_outputs.ts by `deno task gen`. Do not edit.
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
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *outputs; /* f32 [nHeads, n_window, headDim] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in pages */
  u32 window; /* places of the ring */
  u32 n_window; /* queries in it */
  u32 n_tokens; /* position after the last query */
  float scale; /* 1 / √headDim */
  u32 key_page; /* first page entry of the last segment of keys */
  u32 value_page; /* first page entry of the last segment of values */
};
KERF_AT(q_ring, 0);
KERF_AT(pages, 8);
KERF_AT(heads, 16);
KERF_AT(arena, 24);
KERF_AT(outputs, 32);
KERF_AT(slot, 40);
KERF_AT(layer, 44);
KERF_AT(n_layers, 48);
KERF_AT(n_heads, 52);
KERF_AT(n_kv_heads, 56);
KERF_AT(page_entries, 60);
KERF_AT(window, 64);
KERF_AT(n_window, 68);
KERF_AT(n_tokens, 72);
KERF_AT(scale, 76);
KERF_AT(key_page, 80);
KERF_AT(value_page, 84);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_softmax.h"

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 HEAD_FIELDS = 6; /* rows and width of every segment */
static constexpr u32 CHANNELS = (HEAD_DIM + THREADS - 1) / THREADS; /* of a thread */

/* One block: one query of one head at a time. Each thread weighs a row of THREADS, then sums a channel over them. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
window_outputs__k_f16t16_v_list_f16t1_f16t1(const __grid_constant__ struct args args)
{
  __shared__ float q[HEAD_DIM], logits[THREADS], weights[THREADS];
  const u32 thread = kerf_thread();
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u32 n_items = args.n_heads * args.n_window;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item / args.n_window, query = item % args.n_window;
    const u64 place = layer * args.n_kv_heads + head / GROUP;
    const u32 *pages = args.pages + place * args.page_entries;
    const u32 n_rows = args.heads[place * HEAD_FIELDS + 4];
    const u32 position = args.n_tokens - args.n_window + query;
    const float *ring = args.q_ring + (layer * args.n_heads + head) * args.window * HEAD_DIM;
    for (u32 c = thread; c < HEAD_DIM; c += THREADS)
      q[c] = ring[(u64)(position % args.window) * HEAD_DIM + c];
    kerf_sync_threads();

    float largest = KERF_MASKED, sum = 0.0f;
    float values[CHANNELS] = {};
    for (u32 first = 0; first < n_rows; first += THREADS) {
      const u32 row = first + thread, in_page = row % PAGE_ROWS;
      const u32 n = kerf_min_u32(n_rows - first, THREADS);
      float logit = KERF_MASKED;
      if (thread < n) {
        const i32 row_position = (i32)row;
        if (row_position <= (i32)position) {
          const kerf_f16 *keys = (const kerf_f16 *)(args.arena
              + (u64)pages[args.key_page + row / PAGE_ROWS] * ARENA_UNIT);
          keys += in_page / TILE_ROWS * TILE_ROWS * HEAD_DIM + in_page % TILE_ROWS;
          float product = 0.0f;
          for (u32 c = 0; c < HEAD_DIM; c++)
            product = kerf_fma(q[c], kerf_load_f16(keys + c * TILE_ROWS), product);
          logit = product * args.scale;
        }
      }
      logits[thread] = logit;
      kerf_sync_threads();
      for (u32 half = THREADS / 2; half > 0; half /= 2) {
        if (thread < half)
          logits[thread] = kerf_larger_logit(logits[thread], logits[thread + half]);
        kerf_sync_threads();
      }
      const float top = kerf_larger_logit(largest, logits[0]);
      weights[thread] = logit == KERF_MASKED ? 0.0f : kerf_exp(logit - top);
      kerf_sync_threads();
      const float scale = kerf_exp(largest - top);
      sum = sum * scale;
      for (u32 i = 0; i < n; i++) sum = sum + weights[i];
      KERF_UNROLL for (u32 j = 0; j < CHANNELS; j++) {
        const u32 c = thread + j * THREADS;
        if (c >= HEAD_DIM) continue;
        values[j] = values[j] * scale;
        for (u32 i = 0; i < n; i++) {
          const u32 other = first + i;
          const kerf_f16 *page = (const kerf_f16 *)(args.arena
              + (u64)pages[args.value_page + other / PAGE_ROWS] * ARENA_UNIT);
          values[j] = kerf_fma(weights[i], kerf_load_f16(page + other % PAGE_ROWS * HEAD_DIM + c),
              values[j]);
        }
      }
      largest = top;
      kerf_sync_threads();
    }
    float *out = args.outputs + (u64)item * HEAD_DIM;
    KERF_UNROLL for (u32 j = 0; j < CHANNELS; j++) {
      const u32 c = thread + j * THREADS;
      if (c < HEAD_DIM) out[c] = kerf_finish_softmax(sum, values[j]);
    }
    kerf_sync_threads();
  }
}
