/*
 * Makes whole rows of keys that have channels of their own: a channel that a row lacks reads as its fill.
 *
 * Generated from kernels/ops/fill_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *src_pages; /* u32 [nKvHeads, page_entries] */
  const uint32_t *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const float *fills; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  const uint32_t *moves; /* u32 [nLayers, nKvHeads, 4] */
  uint8_t *arena; /* u8 [arenaBytes] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in both page tables */
  uint32_t src_page; /* the source segment's first page entry */
  uint32_t dst_page; /* the destination segment's first page entry */
  uint32_t max_rows; /* rows of the longest move */
};
_Static_assert(offsetof(struct args, src_pages) == 0, "src_pages");
_Static_assert(offsetof(struct args, dst_pages) == 8, "dst_pages");
_Static_assert(offsetof(struct args, fills) == 16, "fills");
_Static_assert(offsetof(struct args, moves) == 24, "moves");
_Static_assert(offsetof(struct args, arena) == 32, "arena");
_Static_assert(offsetof(struct args, slot) == 40, "slot");
_Static_assert(offsetof(struct args, layer) == 44, "layer");
_Static_assert(offsetof(struct args, n_layers) == 48, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 52, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 56, "page_entries");
_Static_assert(offsetof(struct args, src_page) == 60, "src_page");
_Static_assert(offsetof(struct args, dst_page) == 64, "dst_page");
_Static_assert(offsetof(struct args, max_rows) == 68, "max_rows");

#include "kerf_sets.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  ROWS = 16, /* of one item */
  TILE = 16, /* rows of a tile of whole rows */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* One item: ROWS rows of one KV head's move. Their pages are not among the source's. */
static void fill_rows__bitmap_mean_f16t1__f16t16(const struct args *restrict args, uint32_t first,
    uint32_t last)
{
  const uint32_t n_blocks = (args->max_rows + ROWS - 1) / ROWS;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t head = item / n_blocks, first_row = item % n_blocks * ROWS;
    const uint32_t *move = args->moves + 4 * ((size_t)args->layer * args->n_kv_heads + head);
    const uint32_t n_rows = move[2], width = move[3];
    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + head;
    const uint32_t *source_pages = args->src_pages + (size_t)head * args->page_entries
        + args->src_page;
    const uint32_t *pages = args->dst_pages + place * args->page_entries + args->dst_page;
    for (uint32_t i = first_row; i < n_rows && i < first_row + ROWS; i++) {
      const uint32_t from = move[0] + i, to = move[1] + i;
      const uint8_t *source_page = args->arena
          + (size_t)source_pages[from / PAGE_ROWS] * ARENA_UNIT;
      const uint16_t *row = (const uint16_t *)source_page
          + from % PAGE_ROWS * kerf_set_halves(HEAD_DIM, width);
      float key[HEAD_DIM];
      memcpy(key, args->fills + place * HEAD_DIM, sizeof key);
      kerf_spread_set(row, HEAD_DIM, width, key, 1);
      uint8_t *page = args->arena + (size_t)pages[to / PAGE_ROWS] * ARENA_UNIT;
      const uint32_t in_page = to % PAGE_ROWS;
      kerf_f16 *whole = (kerf_f16 *)page + in_page / TILE * TILE * HEAD_DIM + in_page % TILE;
      for (uint32_t c = 0; c < HEAD_DIM; c++) kerf_store_f16(whole + c * TILE, key[c]);
    }
  }
}

KERF_EXPORT uint64_t fill_rows__bitmap_mean_f16t1__f16t16_address(void);
uint64_t fill_rows__bitmap_mean_f16t1__f16t16_address(void)
{
  return (uint64_t)(uintptr_t)fill_rows__bitmap_mean_f16t1__f16t16;
}
