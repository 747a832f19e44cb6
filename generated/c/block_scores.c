/*
 * The score of each row that may be evicted becomes that of its block: rows whose positions, over the block's
 * size, have one whole part. They meet in their mean or their largest. Protected rows belong to none, so a
 * block that reaches into them is that much smaller.
 *
 * Generated from kernels/ops/block_scores.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  const float *token_scores; /* f32 [nKvHeads, max_rows] */
  const uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  float *block_scores; /* f32 [nKvHeads, max_rows] */
  uint32_t *block_starts; /* u32 [nKvHeads, max_rows] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t value_page; /* the first one of values that carry positions */
  uint32_t block_rows; /* positions of a block */
  uint32_t takes_max; /* rows meet in their largest, else in their mean */
  uint32_t protect_first;
  uint32_t protect_last;
  uint32_t max_rows; /* rows of the longest head */
};
_Static_assert(offsetof(struct args, pages) == 0, "pages");
_Static_assert(offsetof(struct args, arena) == 8, "arena");
_Static_assert(offsetof(struct args, token_scores) == 16, "token_scores");
_Static_assert(offsetof(struct args, cuts) == 24, "cuts");
_Static_assert(offsetof(struct args, block_scores) == 32, "block_scores");
_Static_assert(offsetof(struct args, block_starts) == 40, "block_starts");
_Static_assert(offsetof(struct args, slot) == 48, "slot");
_Static_assert(offsetof(struct args, layer) == 52, "layer");
_Static_assert(offsetof(struct args, n_layers) == 56, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 60, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 64, "page_entries");
_Static_assert(offsetof(struct args, value_page) == 68, "value_page");
_Static_assert(offsetof(struct args, block_rows) == 72, "block_rows");
_Static_assert(offsetof(struct args, takes_max) == 76, "takes_max");
_Static_assert(offsetof(struct args, protect_first) == 80, "protect_first");
_Static_assert(offsetof(struct args, protect_last) == 84, "protect_last");
_Static_assert(offsetof(struct args, max_rows) == 88, "max_rows");

enum {
  ROWS = 256, /* of one item */
  PAGE_ROWS = 128, /* rows of a page, whose positions are at its head */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
};

/* The block of a row: its position over the block's size. */
static uint32_t block_of(const struct args *args, const uint32_t *pages, uint32_t row)
{
  const uint8_t *page = args->arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
  return ((const uint32_t *)page)[row % PAGE_ROWS] / args->block_rows;
}

/* One item: ROWS rows of one KV head. */
static void block_scores(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t n_items = (args->max_rows + ROWS - 1) / ROWS;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item / n_items, from = item % n_items * ROWS;
    const uint32_t n_rows = args->cuts[4 * ((size_t)args->layer * args->n_kv_heads + kv_head) + 1];
    if (n_rows <= args->protect_first + args->protect_last) continue;

    const uint32_t begin = args->protect_first, end = n_rows - args->protect_last;
    const size_t head = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + kv_head;
    const uint32_t *pages = args->pages + head * args->page_entries + args->value_page;
    const size_t scores = (size_t)kv_head * args->max_rows;
    for (uint32_t row = from > begin ? from : begin; row < end && row < from + ROWS; row++) {
      const uint32_t block = block_of(args, pages, row);
      uint32_t start = row;
      while (start > begin && block_of(args, pages, start - 1) == block) start--;
      float total = args->token_scores[scores + start];
      uint32_t next = start + 1;
      for (; next < end && block_of(args, pages, next) == block; next++) {
        const float score = args->token_scores[scores + next];
        total = args->takes_max ? kerf_max(total, score) : total + score;
      }
      args->block_scores[scores + row] = args->takes_max ? total : total / (float)(next - start);
      args->block_starts[scores + row] = start;
    }
  }
}

KERF_EXPORT uint64_t block_scores_address(void);
uint64_t block_scores_address(void)
{
  return (uint64_t)(uintptr_t)block_scores;
}
