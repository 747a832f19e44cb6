/*
 * Per KV head of a layer the mean of its keys, each divided by its norm, and then the mean's own norm.
 *
 * Generated from kernels/ops/key_anchors.ts by `deno task gen`. Do not edit.
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
  float *anchors; /* f32 [nKvHeads, headDim + 16] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in pages */
  u32 key_page_0; /* the segment's first page entry */
  u32 value_page_0;
};
KERF_AT(pages, 0);
KERF_AT(heads, 8);
KERF_AT(arena, 16);
KERF_AT(anchors, 24);
KERF_AT(slot, 32);
KERF_AT(layer, 36);
KERF_AT(n_layers, 40);
KERF_AT(n_kv_heads, 44);
KERF_AT(page_entries, 48);
KERF_AT(key_page_0, 52);
KERF_AT(value_page_0, 56);

static constexpr u32 THREADS = 128; /* of a block */

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

/* One block: one KV head at a time. As many rows as threads get their norms, then each thread sums channels. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
key_anchors__k_f16t16_v_f16t1_evicted(const __grid_constant__ struct args args)
{
  __shared__ float norms[THREADS], anchor[HEAD_DIM];
  const u32 thread = kerf_thread();
  const u32 n_items = args.n_kv_heads;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const kv_rows kv = rows_of(args, item);
    for (u32 c = thread; c < HEAD_DIM; c += THREADS) anchor[c] = 0.0f;
    for (u32 first = 0; first < kv.n_rows; first += THREADS) {
      const u32 n = kerf_min_u32(kv.n_rows - first, THREADS);
      if (thread < n) {
        const key_row key = key_at(args, kv, first + thread);
        float square = 0.0f;
        for (u32 c = 0; c < key.width; c++)
          square += stored_channel(key, c) * stored_channel(key, c);
        norms[thread] = kerf_sqrt(square);
      }
      kerf_sync_threads();
      for (u32 i = 0; i < n; i++) {
        const key_row key = key_at(args, kv, first + i);
        for (u32 c = thread; c < key.width; c += THREADS) {
          if (norms[i] > 0.0f) anchor[c] += stored_channel(key, c) / norms[i];
        }
        /* Another row's list may give this channel to another thread. */
        kerf_sync_threads();
      }
    }
    float *out = args.anchors + (u64)item * (HEAD_DIM + 16);
    for (u32 c = thread; c < HEAD_DIM; c += THREADS) {
      anchor[c] = anchor[c] / (float)kv.n_rows;
      out[c] = anchor[c];
    }
    kerf_sync_threads();
    if (thread == 0) {
      float square = 0.0f;
      for (u32 c = 0; c < HEAD_DIM; c++) square += anchor[c] * anchor[c];
      out[HEAD_DIM] = kerf_sqrt(square);
    }
    kerf_sync_threads();
  }
}
