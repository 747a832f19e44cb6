/*
 * TOVA: keeps the rows that the last query attends to, in the mean of a layer's heads; all heads of a
 * layer keep the same. The cheapest score that reads attention. It acts once a prompt has ended; with
 * `every=1` also at every decoded token, as in its paper.
 * Scores of every row of one layer; higher keeps.
 *
 * Generated from kernels/prune/tova.ts by `deno task gen`. Do not edit.
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
  const float *window_sums; /* f32 [nHeads, n_window, 2] */
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 4] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *row_scores; /* f32 [nHeads, max_rows] */
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
  u32 n_tiles; /* tiles of the longest head, all segments */
  u32 max_rows; /* rows of the longest head */
  u32 key_page_0; /* the segment's first page entry */
  u32 value_page_0;
};
KERF_AT(q_ring, 0);
KERF_AT(window_sums, 8);
KERF_AT(pages, 16);
KERF_AT(heads, 24);
KERF_AT(arena, 32);
KERF_AT(row_scores, 40);
KERF_AT(slot, 48);
KERF_AT(layer, 52);
KERF_AT(n_layers, 56);
KERF_AT(n_heads, 60);
KERF_AT(n_kv_heads, 64);
KERF_AT(page_entries, 68);
KERF_AT(window, 72);
KERF_AT(n_window, 76);
KERF_AT(n_tokens, 80);
KERF_AT(scale, 84);
KERF_AT(n_tiles, 88);
KERF_AT(max_rows, 92);
KERF_AT(key_page_0, 96);
KERF_AT(value_page_0, 100);

static constexpr u32 THREADS = 64; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 KEY_SEGMENTS = 1;
static constexpr u32 HEAD_FIELDS = 4; /* rows and width of every segment */

/* One KV head: where its rows lie, and how many each segment of keys holds. */
struct kv_rows {
  const u8 *arena;
  const u32 *pages, *fields;
  u32 n_rows;
};

/* One key of a head. */
struct key_row {
  const kerf_f16 *stored; /* its first channel; the next is TILE_ROWS elements on */
  u32 width;
};

KERF_INLINE kv_rows rows_of(const struct args &args, u32 kv_head)
{
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u64 place = layer * args.n_kv_heads + kv_head;
  kv_rows kv = {args.arena, args.pages + place * args.page_entries,
      args.heads + place * HEAD_FIELDS, 0};
  for (u32 segment = 0; segment < KEY_SEGMENTS; segment++) kv.n_rows += kv.fields[2 * segment];
  return kv;
}

/* The key of a row, which counts rows of all segments in order. */
KERF_INLINE key_row key_at(const struct args &args, const kv_rows &kv, u32 row)
{
  const u32 in_page = row % PAGE_ROWS;
  const u8 *page = kv.arena + (u64)kv.pages[args.key_page_0 + row / PAGE_ROWS] * ARENA_UNIT;
  return {(const kerf_f16 *)page + in_page / TILE_ROWS * TILE_ROWS * HEAD_DIM + in_page % TILE_ROWS,
      HEAD_DIM};
}

/* The page of values that holds a row, at its head the positions. */
KERF_INLINE const u8 *value_page(const struct args &args, const kv_rows &kv, u32 place)
{
  return kv.arena + (u64)kv.pages[args.value_page_0 + place / PAGE_ROWS] * ARENA_UNIT;
}

KERF_INLINE i32 position_of(const struct args &args, const kv_rows &kv, u32 place)
{
  return ((const i32 *)value_page(args, kv, place))[place % PAGE_ROWS];
}

/* Channel c of a key as stored, c counting those that are. */
KERF_INLINE float stored_channel(const key_row &key, u32 c)
{
  return kerf_load_f16(key.stored + c * TILE_ROWS);
}

/* q · k of one query and one key; a channel that is not stored is a turn less. */
KERF_INLINE float multiply_key(const key_row &key, const float *q)
{
  float sum = 0.0f;
  for (u32 c = 0; c < key.width; c++) {
    sum = kerf_fma(q[c], stored_channel(key, c), sum);
  }
  return sum;
}

/* One block: THREADS rows of one KV head at a time, a row a thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
token_scores_tova__k_f16t16_v_f16t1_evicted(const __grid_constant__ struct args args)
{
  const u32 n_blocks = (args.max_rows + THREADS - 1) / THREADS;
  const u32 n_items = args.n_kv_heads * n_blocks;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / n_blocks;
    const kv_rows kv = rows_of(args, kv_head);
    const u32 place = item % n_blocks * THREADS + kerf_thread();
    if (place >= kv.n_rows) continue;

    const key_row key = key_at(args, kv, place);
    const i32 position = position_of(args, kv, place);
    for (u32 g = 0; g < GROUP; g++) {
      const u32 head = kv_head * GROUP + g;
      const u64 layer = (u64)args.slot * args.n_layers + args.layer;
      const float *ring = args.q_ring + (layer * args.n_heads + head) * args.window * HEAD_DIM;
      const float *sums = args.window_sums + 2 * (u64)head * args.n_window;
      float sum_weights_lanes = 0.0f;
      for (u32 query = 0; query < args.n_window; query++) {
        const u32 seen_from = args.n_tokens - args.n_window + query;
        const float *q = ring + (u64)(seen_from % args.window) * HEAD_DIM;
        float x = 0.0f;
        if (position <= (i32)seen_from) {
          const float logit = multiply_key(key, q) * args.scale;
          x = kerf_exp(logit - sums[2 * query]) / sums[2 * query + 1];
        }
        sum_weights_lanes = sum_weights_lanes + x;
      }

      args.row_scores[(u64)head * args.max_rows + place] = sum_weights_lanes;
    }
  }
}
