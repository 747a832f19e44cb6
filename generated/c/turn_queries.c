/*
 * Turns remembered queries back where rows are about to leave a cache whose keys are rotated by their places: by
 * as many places as rows leave before a query. So a query stands behind the last row that is no later than it,
 * and later scores compare it with keys at their new places.
 *
 * Generated from kernels/ops/turn_queries.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  const float *rope; /* f32 [nCtx, headDim] */
  const uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  const uint32_t *kept; /* u32 [nKvHeads, max_rows] */
  const uint32_t *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t value_page; /* the first one of values that carry positions */
  uint32_t window; /* places of the ring */
  uint32_t n_window; /* queries in it */
  uint32_t n_tokens; /* position after the last query */
  uint32_t max_rows; /* rows of the longest head */
};
_Static_assert(offsetof(struct args, pages) == 0, "pages");
_Static_assert(offsetof(struct args, arena) == 8, "arena");
_Static_assert(offsetof(struct args, rope) == 16, "rope");
_Static_assert(offsetof(struct args, cuts) == 24, "cuts");
_Static_assert(offsetof(struct args, kept) == 32, "kept");
_Static_assert(offsetof(struct args, kept_counts) == 40, "kept_counts");
_Static_assert(offsetof(struct args, q_ring) == 48, "q_ring");
_Static_assert(offsetof(struct args, slot) == 56, "slot");
_Static_assert(offsetof(struct args, layer) == 60, "layer");
_Static_assert(offsetof(struct args, n_layers) == 64, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 68, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 72, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 76, "page_entries");
_Static_assert(offsetof(struct args, value_page) == 80, "value_page");
_Static_assert(offsetof(struct args, window) == 84, "window");
_Static_assert(offsetof(struct args, n_window) == 88, "n_window");
_Static_assert(offsetof(struct args, n_tokens) == 92, "n_tokens");
_Static_assert(offsetof(struct args, max_rows) == 96, "max_rows");

enum {
  PAGE_ROWS = 128, /* rows of a page, whose positions are at its head */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
};

/* How many of a head's rows are no later than a position: positions ascend. */
static uint32_t rows_until(const struct args *args, const uint32_t *pages, uint32_t n_rows,
    uint32_t position)
{
  uint32_t low = 0, high = n_rows;
  while (low < high) {
    const uint32_t row = low + (high - low) / 2;
    const uint8_t *page = args->arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
    if (((const uint32_t *)page)[row % PAGE_ROWS] <= position) low = row + 1;
    else high = row;
  }
  return low;
}

/* How many kept rows lie before a row. */
static uint32_t kept_before(const uint32_t *kept, uint32_t n_kept, uint32_t row)
{
  uint32_t low = 0, high = n_kept;
  while (low < high) {
    const uint32_t place = low + (high - low) / 2;
    if (kept[place] < row) low = place + 1;
    else high = place;
  }
  return low;
}

/* One item: the remembered queries of one query head. */
static void turn_queries(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t half = HEAD_DIM / 2;
  const size_t layer = (size_t)args->slot * args->n_layers + args->layer;

  for (uint32_t head = first; head < last; head++) {
    const uint32_t kv_head = head / (args->n_heads / args->n_kv_heads);
    const size_t place = (size_t)args->layer * args->n_kv_heads + kv_head;
    const uint32_t n_rows = args->cuts[4 * place + 1], n_kept = args->kept_counts[2 * place + 1];
    const uint32_t *kept = args->kept + (size_t)kv_head * args->max_rows;
    const uint32_t *pages = args->pages + (layer * args->n_kv_heads + kv_head) * args->page_entries
        + args->value_page;
    float *ring = args->q_ring + (layer * args->n_heads + head) * args->window * HEAD_DIM;
    for (uint32_t i = 0; i < args->n_window; i++) {
      const uint32_t position = args->n_tokens - args->n_window + i;
      const uint32_t n_before = rows_until(args, pages, n_rows, position);
      const uint32_t back = n_before - kept_before(kept, n_kept, n_before);
      if (back == 0) continue;

      const float *angles = args->rope + (size_t)back * HEAD_DIM;
      float *q = ring + (size_t)(position % args->window) * HEAD_DIM;
      for (uint32_t c = 0; c < half; c++) {
        const float a = q[c], b = q[half + c], cos = angles[c], sin = angles[half + c];
        q[c] = a * cos + b * sin;
        q[half + c] = b * cos - a * sin;
      }
    }
  }
}

KERF_EXPORT uint64_t turn_queries_address(void);
uint64_t turn_queries_address(void)
{
  return (uint64_t)(uintptr_t)turn_queries;
}
