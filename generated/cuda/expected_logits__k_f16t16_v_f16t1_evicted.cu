/*
 * What a query of a head's moments is expected to give each row, as a logit: μᵀk/√d + kᵀΣk/2d, the moments
 * rotated to the mean of the next `ahead` positions.
 *
 * Generated from kernels/ops/expected_logits.ts by `deno task gen`. Do not edit.
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
  const float *moments; /* f32 [nSlots, nLayers, nHeads, headDim + 2, headDim] */
  const float *angles; /* f32 [nCtx + ahead, headDim] */
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *expected_logits; /* f32 [nHeads, max_rows] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in pages */
  u32 n_tokens; /* position after the last query */
  u32 skip; /* first rows of a sequence that do not count */
  u32 ahead; /* positions whose rotations meet in their mean */
  u32 n_tiles; /* tiles of the longest head, all segments */
  u32 max_rows; /* rows of the longest head */
  float scale; /* 1 / √headDim */
  u32 key_page_0; /* the segment's first page entry */
  u32 value_page_0;
};
KERF_AT(moments, 0);
KERF_AT(angles, 8);
KERF_AT(pages, 16);
KERF_AT(heads, 24);
KERF_AT(arena, 32);
KERF_AT(expected_logits, 40);
KERF_AT(slot, 48);
KERF_AT(layer, 52);
KERF_AT(n_layers, 56);
KERF_AT(n_heads, 60);
KERF_AT(n_kv_heads, 64);
KERF_AT(page_entries, 68);
KERF_AT(n_tokens, 72);
KERF_AT(skip, 76);
KERF_AT(ahead, 80);
KERF_AT(n_tiles, 84);
KERF_AT(max_rows, 88);
KERF_AT(scale, 92);
KERF_AT(key_page_0, 96);
KERF_AT(value_page_0, 100);

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
static constexpr u32 MOMENTS = (HEAD_DIM + 2) * HEAD_DIM; /* the first query, sums, products */
static constexpr u32 LANES = 16; /* threads that share a row's channels */
static constexpr u32 ROWS = THREADS / LANES; /* of a block */
static_assert(ROWS == 8, "the grid has eight rows a block");

/* The sum over the threads of a row, in a fixed order. */
KERF_INLINE float meet(float x)
{
  for (u32 half = LANES / 2; half > 0; half /= 2) x = x + kerf_shuffle_xor(x, half);
  return x;
}

/* One cosine or sine of the mean rotation of the positions from the next one on. */
KERF_INLINE float mean_angle(const struct args &args, u32 next, u32 c)
{
  float sum = 0.0f;
  for (u32 i = 0; i < args.ahead; i++) sum = sum + args.angles[(u64)(next + i) * HEAD_DIM + c];
  return sum / (float)args.ahead;
}

/* One block: ROWS rows of one KV head at a time. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
expected_logits__k_f16t16_v_f16t1_evicted(const __grid_constant__ struct args args)
{
  __shared__ float rotation[HEAD_DIM], keys[ROWS][HEAD_DIM];
  const u32 thread = kerf_thread(), own = thread / LANES, lane = thread % LANES,
      half = HEAD_DIM / 2;
  const u32 n_blocks = (args.max_rows + ROWS - 1) / ROWS;
  const u32 n_items = args.n_kv_heads * n_blocks;
  const float n_queries = (float)(args.n_tokens - args.skip);

  for (u32 c = thread; c < HEAD_DIM; c += THREADS) rotation[c] = mean_angle(args, args.n_tokens, c);

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / n_blocks, place = item % n_blocks * ROWS + own;
    const kv_rows kv = rows_of(args, kv_head);
    const bool present = place < kv.n_rows;
    for (u32 c = lane; c < HEAD_DIM; c += LANES) keys[own][c] = 0.0f;
    kerf_sync_threads();
    if (present) {
      const key_row key = key_at(args, kv, place);
      for (u32 c = lane; c < key.width; c += LANES) {
        keys[own][c] = stored_channel(key, c);
      }
    }
    kerf_sync_threads();
    /* A rotated query meets a key as the query meets the key turned back. */
    for (u32 c = lane; c < half; c += LANES) {
      const float a = keys[own][c], b = keys[own][half + c];
      keys[own][c] = a * rotation[c] + b * rotation[half + c];
      keys[own][half + c] = b * rotation[c] - a * rotation[half + c];
    }
    kerf_sync_threads();
    for (u32 g = 0; g < GROUP; g++) {
      const u32 head = kv_head * GROUP + g;
      const float *moments = args.moments
          + (((u64)args.slot * args.n_layers + args.layer) * args.n_heads + head) * MOMENTS;
      float first = 0.0f, far = 0.0f, square = 0.0f;
      for (u32 c = lane; c < HEAD_DIM; c += LANES) {
        const float *products = moments + (2 + c) * HEAD_DIM;
        float sum = 0.0f;
        for (u32 i = 0; i < HEAD_DIM; i++) sum = kerf_fma(products[i], keys[own][i], sum);
        first = kerf_fma(moments[c], keys[own][c], first);
        far = kerf_fma(moments[HEAD_DIM + c], keys[own][c], far);
        square = kerf_fma(keys[own][c], sum, square);
      }
      first = meet(first);
      far = meet(far) / n_queries;
      const float variance = meet(square) / n_queries - far * far;
      if (present && lane == 0) {
        args.expected_logits[(u64)head * args.max_rows + place] = (first + far) * args.scale
            + variance * (0.5f * args.scale * args.scale);
      }
    }
    kerf_sync_threads();
  }
}
