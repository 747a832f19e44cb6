/*
 * Turns remembered queries back where rows are about to leave a cache whose keys are rotated by their places: by
 * as many places as rows leave before a query. So a query stands behind the last row that is no later than it,
 * and later scores compare it with keys at their new places.
 *
 * Generated from kernels/ops/turn_queries.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u8 *arena; /* u8 [arenaBytes] */
  const float *rope; /* f32 [nCtx, headDim] */
  const u32 *cuts; /* u32 [nLayers, nKvHeads, 4] */
  const u32 *kept; /* u32 [nKvHeads, max_rows] */
  const u32 *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in pages */
  u32 value_page; /* the first one of values that carry positions */
  u32 window; /* places of the ring */
  u32 n_window; /* queries in it */
  u32 n_tokens; /* position after the last query */
  u32 max_rows; /* rows of the longest head */
};
KERF_AT(pages, 0);
KERF_AT(arena, 8);
KERF_AT(rope, 16);
KERF_AT(cuts, 24);
KERF_AT(kept, 32);
KERF_AT(kept_counts, 40);
KERF_AT(q_ring, 48);
KERF_AT(slot, 56);
KERF_AT(layer, 60);
KERF_AT(n_layers, 64);
KERF_AT(n_heads, 68);
KERF_AT(n_kv_heads, 72);
KERF_AT(page_entries, 76);
KERF_AT(value_page, 80);
KERF_AT(window, 84);
KERF_AT(n_window, 88);
KERF_AT(n_tokens, 92);
KERF_AT(max_rows, 96);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 PAGE_ROWS = 128; /* rows of a page, whose positions are at its head */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */

/* How many of a head's rows are no later than a position: positions ascend. */
KERF_INLINE u32 rows_until(const struct args &args, const u32 *pages, u32 n_rows, u32 position)
{
  u32 low = 0, high = n_rows;
  while (low < high) {
    const u32 row = low + (high - low) / 2;
    const u8 *page = args.arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT;
    if (((const u32 *)page)[row % PAGE_ROWS] <= position) low = row + 1;
    else high = row;
  }
  return low;
}

/* How many kept rows lie before a row. */
KERF_INLINE u32 kept_before(const u32 *kept, u32 n_kept, u32 row)
{
  u32 low = 0, high = n_kept;
  while (low < high) {
    const u32 place = low + (high - low) / 2;
    if (kept[place] < row) low = place + 1;
    else high = place;
  }
  return low;
}

/* One block: the remembered queries of one query head at a time, a pair of channels a thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
turn_queries(const __grid_constant__ struct args args)
{
  const u32 half = HEAD_DIM / 2;
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const u32 n_items = args.n_heads;

  for (u32 head = kerf_block(); head < n_items; head += kerf_n_blocks()) {
    const u32 kv_head = head / (args.n_heads / args.n_kv_heads);
    const u64 place = (u64)args.layer * args.n_kv_heads + kv_head;
    const u32 n_rows = args.cuts[4 * place + 1], n_kept = args.kept_counts[2 * place + 1];
    const u32 *kept = args.kept + (u64)kv_head * args.max_rows;
    const u32 *pages = args.pages + (layer * args.n_kv_heads + kv_head) * args.page_entries
        + args.value_page;
    float *ring = args.q_ring + (layer * args.n_heads + head) * args.window * HEAD_DIM;
    for (u32 pair = kerf_thread(); pair < args.n_window * half; pair += THREADS) {
      const u32 position = args.n_tokens - args.n_window + pair / half, c = pair % half;
      const u32 n_before = rows_until(args, pages, n_rows, position);
      const u32 back = n_before - kept_before(kept, n_kept, n_before);
      if (back == 0) continue;

      const float *angles = args.rope + (u64)back * HEAD_DIM;
      float *q = ring + (u64)(position % args.window) * HEAD_DIM;
      const float a = q[c], b = q[half + c], cos = angles[c], sin = angles[half + c];
      q[c] = a * cos + b * sin;
      q[half + c] = b * cos - a * sin;
    }
  }
}
