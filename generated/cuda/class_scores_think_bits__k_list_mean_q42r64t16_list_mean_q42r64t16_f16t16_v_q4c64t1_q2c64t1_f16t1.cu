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
 * Scores of the oldest full rows of one layer; higher gets more bits.
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
  const float *window_sums; /* f32 [nHeads, n_window, 2] */
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 12] */
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
  u32 n_tiles; /* tiles to score */
  u32 max_rows; /* rows to score */
  u32 key_page_0; /* the segment's first page entry */
  u32 key_page_1; /* the segment's first page entry */
  u32 key_page_2; /* the segment's first page entry */
  u32 value_page_0;
  u32 value_page_1;
  u32 value_page_2;
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
KERF_AT(key_page_1, 100);
KERF_AT(key_page_2, 104);
KERF_AT(value_page_0, 108);
KERF_AT(value_page_1, 112);
KERF_AT(value_page_2, 116);

static constexpr u32 THREADS = 64; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 KEY_SEGMENTS = 3;
static constexpr u32 HEAD_FIELDS = 12; /* rows and width of every segment */

/* One KV head: where its rows lie, and how many each segment of keys holds. */
struct kv_rows {
  const u8 *arena;
  const u32 *pages, *fields;
  u32 n_rows, n_before; /* full rows, and those before them */
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
      args.heads + place * HEAD_FIELDS, 0, 0};
  kv.n_rows = kv.fields[2 * (KEY_SEGMENTS - 1)];
  for (u32 segment = 0; segment + 1 < KEY_SEGMENTS; segment++)
    kv.n_before += kv.fields[2 * segment];
  return kv;
}

/* The key of a row, which counts full rows. */
KERF_INLINE key_row key_at(const struct args &args, const kv_rows &kv, u32 row)
{
  const u32 in_page = row % PAGE_ROWS;
  const u8 *page = kv.arena + (u64)kv.pages[args.key_page_2 + row / PAGE_ROWS] * ARENA_UNIT;
  return {(const kerf_f16 *)page + in_page / TILE_ROWS * TILE_ROWS * HEAD_DIM + in_page % TILE_ROWS,
      HEAD_DIM};
}

/* The page of values that holds a row. */
KERF_INLINE const u8 *value_page(const struct args &args, const kv_rows &kv, u32 place)
{
  return kv.arena + (u64)kv.pages[args.value_page_2 + place / PAGE_ROWS] * ARENA_UNIT;
}

/* Where a row stands, which for rows as late as the window's queries is their position. */
KERF_INLINE i32 position_of(const struct args &, const kv_rows &kv, u32 place)
{
  return (i32)(kv.n_before + place);
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

/* One block: THREADS full rows of one KV head at a time, a row a thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
class_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
    const __grid_constant__ struct args args)
{
  const u32 n_blocks = (args.max_rows + THREADS - 1) / THREADS;
  const u32 n_items = args.n_kv_heads * n_blocks;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / n_blocks;
    const kv_rows kv = rows_of(args, kv_head);
    const u32 place = item % n_blocks * THREADS + kerf_thread();
    if (place >= kerf_min_u32(kv.n_rows, args.max_rows)) continue;

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
