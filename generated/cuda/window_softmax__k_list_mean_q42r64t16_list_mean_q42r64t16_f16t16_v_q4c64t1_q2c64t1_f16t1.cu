/*
 * The softmax of the last `n_window` queries over every row of a layer, causal by true positions: per query
 * the largest logit and the sum of e^(logit − largest). Zero rows to see give a sum of 0.
 *
 * Generated from kernels/ops/window_softmax.ts by `deno task gen`. Do not edit.
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
  const u32 *channels; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  const float *fills; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *window_sums; /* f32 [nHeads, n_window, 2] */
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
  u32 key_page_0; /* the segment's first page entry */
  u32 key_page_1; /* the segment's first page entry */
  u32 key_page_2; /* the segment's first page entry */
  u32 value_page_0;
  u32 value_page_1;
  u32 value_page_2;
};
KERF_AT(q_ring, 0);
KERF_AT(pages, 8);
KERF_AT(heads, 16);
KERF_AT(channels, 24);
KERF_AT(fills, 32);
KERF_AT(arena, 40);
KERF_AT(window_sums, 48);
KERF_AT(slot, 56);
KERF_AT(layer, 60);
KERF_AT(n_layers, 64);
KERF_AT(n_heads, 68);
KERF_AT(n_kv_heads, 72);
KERF_AT(page_entries, 76);
KERF_AT(window, 80);
KERF_AT(n_window, 84);
KERF_AT(n_tokens, 88);
KERF_AT(scale, 92);
KERF_AT(key_page_0, 96);
KERF_AT(key_page_1, 100);
KERF_AT(key_page_2, 104);
KERF_AT(value_page_0, 108);
KERF_AT(value_page_1, 112);
KERF_AT(value_page_2, 116);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_softmax.h"

#include "kerf_codes.h"

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 KEY_SEGMENTS = 3;
static constexpr u32 KEY_LISTS = KEY_SEGMENTS - 1; /* of channels: one for each coded segment */
static constexpr u32 HEAD_FIELDS = 12; /* rows and width of every segment */

/* One KV head: where its rows lie, and how many each segment of keys holds. */
struct kv_rows {
  const u8 *arena;
  const u32 *pages, *fields;
  const u32 *channels; /* u32 [KEY_LISTS, HEAD_DIM] */
  const float *fills; /* f32 [KEY_LISTS, HEAD_DIM]: what channels of a list read as that are not stored */
  u32 n_rows;
};

/* One key of a head. */
struct key_row {
  const kerf_f16 *stored; /* its first channel; the next is TILE_ROWS elements on */
  u32 width;
  bool listed;
  const u8 *unit; /* of a coded key: where the codes begin that share scales with its; null for others */
  u32 in_unit;
  u32 n_stored, n_high; /* channels of a coded key with bits, and those of them of the first class */
  const u32 *channels;
  const float *fills;
};

KERF_INLINE kv_rows rows_of(const struct args &args, u32 kv_head)
{
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u64 place = layer * args.n_kv_heads + kv_head;
  kv_rows kv = {args.arena, args.pages + place * args.page_entries,
      args.heads + place * HEAD_FIELDS, args.channels + place * KEY_LISTS * HEAD_DIM,
      args.fills + place * KEY_LISTS * HEAD_DIM, 0};
  for (u32 segment = 0; segment < KEY_SEGMENTS; segment++) kv.n_rows += kv.fields[2 * segment];
  return kv;
}

/* The key of a row, which counts rows of all segments in order. */
KERF_INLINE key_row key_at(const struct args &args, const kv_rows &kv, u32 row)
{
  const u32 rows_0 = kv.fields[0];
  if (row < rows_0) {
    const u32 word = kv.fields[1], n_stored = word & 0xffffu, n_high = word >> 16;
    const u32 unit_bytes = n_high * (64 * 4 / 8) + (n_stored - n_high) * (64 * 2 / 8)
        + 4 * n_stored, in_page = row % PAGE_ROWS;
    const u8 *page = kv.arena + (u64)kv.pages[args.key_page_0 + row / PAGE_ROWS] * ARENA_UNIT;
    return {0, HEAD_DIM, true, page + in_page / 64 * unit_bytes, in_page % 64, n_stored, n_high,
        kv.channels, kv.fills};
  }
  row -= rows_0;
  const u32 rows_1 = kv.fields[2];
  if (row < rows_1) {
    const u32 word = kv.fields[3], n_stored = word & 0xffffu, n_high = word >> 16;
    const u32 unit_bytes = n_high * (64 * 4 / 8) + (n_stored - n_high) * (64 * 2 / 8)
        + 4 * n_stored, in_page = row % PAGE_ROWS;
    const u8 *page = kv.arena + (u64)kv.pages[args.key_page_1 + row / PAGE_ROWS] * ARENA_UNIT;
    return {0, HEAD_DIM, true, page + in_page / 64 * unit_bytes, in_page % 64, n_stored, n_high,
        kv.channels + HEAD_DIM, kv.fills + HEAD_DIM};
  }
  row -= rows_1;
  const u32 in_page = row % PAGE_ROWS;
  const u8 *page = kv.arena + (u64)kv.pages[args.key_page_2 + row / PAGE_ROWS] * ARENA_UNIT;
  return {(const kerf_f16 *)page + in_page / TILE_ROWS * TILE_ROWS * HEAD_DIM + in_page % TILE_ROWS,
      HEAD_DIM, false, 0, 0, 0, 0, 0, 0};
}

/* Where a row stands, which for rows as late as the window's queries is their position. */
KERF_INLINE i32 position_of(const struct args &, const kv_rows &, u32 place)
{
  return (i32)place;
}

/* Channel c of a key as stored, c counting those that are, then the others of a list. */
KERF_INLINE float stored_channel(const key_row &key, u32 c)
{
  if (key.unit == 0) return kerf_load_f16(key.stored + c * TILE_ROWS);
  if (c >= key.n_stored) return key.fills[c];
  const u32 HIGH_BITS = 4, LOW_BITS = 2, UNIT_ROWS = 64;
  const u32 high_bytes = key.n_high * 2 * HIGH_BITS,
      tile_bytes = high_bytes + (key.n_stored - key.n_high) * 2 * LOW_BITS;
  const u8 *tile = key.unit + key.in_unit / TILE_ROWS * tile_bytes;
  const kerf_group group = kerf_group_of(kerf_load_word(key.unit
      + tile_bytes * (UNIT_ROWS / TILE_ROWS) + 4 * c));
  if (c < key.n_high)
    return kerf_decode(group, tile + c * 2 * HIGH_BITS, key.in_unit % TILE_ROWS, HIGH_BITS);
  return kerf_decode(group, tile + high_bytes + (c - key.n_high) * 2 * LOW_BITS,
      key.in_unit % TILE_ROWS, LOW_BITS);
}

/* q · k of one query and one key; a channel that is not stored is a turn less. */
KERF_INLINE float multiply_key(const kv_rows &, const key_row &key, const float *q)
{
  float sum = 0.0f;
  for (u32 c = 0; c < key.width; c++) {
    sum = kerf_fma(q[key.listed ? key.channels[c] : c], stored_channel(key, c), sum);
  }
  return sum;
}

/* One block: one query at a time. Each thread has every THREADS-th row; their softmaxes meet in a tree. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
window_softmax__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
    const __grid_constant__ struct args args)
{
  __shared__ float q[HEAD_DIM], largests[THREADS], sums[THREADS];
  const u32 thread = kerf_thread();
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u32 n_items = args.n_heads * args.n_window;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 head = item / args.n_window, query = item % args.n_window;
    const u32 query_position = args.n_tokens - args.n_window + query;
    const kv_rows kv = rows_of(args, head / GROUP);
    const float *ring = args.q_ring + (layer * args.n_heads + head) * args.window * HEAD_DIM;
    for (u32 c = thread; c < HEAD_DIM; c += THREADS)
      q[c] = ring[(u64)(query_position % args.window) * HEAD_DIM + c];
    kerf_sync_threads();

    float largest = KERF_MASKED, sum = 0.0f;
    for (u32 row = thread; row < kv.n_rows; row += THREADS) {
      if (position_of(args, kv, row) > (i32)query_position) continue;
      const float logit = multiply_key(kv, key_at(args, kv, row), q) * args.scale;
      kerf_merge_softmax(&largest, &sum, logit, 1.0f);
    }
    largests[thread] = largest;
    sums[thread] = sum;
    kerf_sync_threads();
    for (u32 half = THREADS / 2; half > 0; half /= 2) {
      if (thread < half)
        kerf_merge_softmax(&largests[thread], &sums[thread], largests[thread + half],
            sums[thread + half]);
      kerf_sync_threads();
    }
    if (thread == 0) {
      args.window_sums[2 * (u64)item] = largests[0];
      args.window_sums[2 * (u64)item + 1] = sums[0];
    }
    kerf_sync_threads();
  }
}
