/*
 * Moves rows of a stream from one segment to another, keeping the channels the latter stores.
 *
 * Generated from kernels/ops/move_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *src_pages; /* u32 [nKvHeads, page_entries] */
  const uint32_t *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *channels; /* u32 [nSlots, nLayers, nKvHeads, headDim] */
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
_Static_assert(offsetof(struct args, channels) == 16, "channels");
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

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  ROWS = 16, /* of one item */
  SOURCE_TILE = 1,
  DESTINATION_TILE = 1,
};

/* Where channel 0 of a row lies; the next channel is `tile` elements on. */
KERF_INLINE kerf_f16 *row_place(uint8_t *arena, const uint32_t *pages, uint32_t row, uint32_t tile,
    uint32_t width)
{
  const uint32_t in_page = row % PAGE_ROWS;
  kerf_f16 *page = (kerf_f16 *)(arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT);
  return page + in_page / tile * tile * width + in_page % tile;
}

/* One item: ROWS rows of one KV head's move. Their pages are not among the source's. */
static void move_rows__list_f16t1__f16t1(const struct args *restrict args, uint32_t first,
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
    const uint32_t *channels = args->channels + place * HEAD_DIM;
    for (uint32_t row = first_row; row < n_rows && row < first_row + ROWS; row++) {
      const kerf_f16 *from = row_place(args->arena, source_pages, move[0] + row, SOURCE_TILE,
          width);
      kerf_f16 *to = row_place(args->arena, pages, move[1] + row, DESTINATION_TILE, HEAD_DIM);
      /* Channels that the source lacks are 0. */
      for (uint32_t c = 0; c < HEAD_DIM; c++) kerf_store_f16(&to[c * DESTINATION_TILE], 0.0f);
      for (uint32_t c = 0; c < width; c++)
        to[channels[c] * DESTINATION_TILE] = from[c * SOURCE_TILE];
    }
  }
}

KERF_EXPORT uint64_t move_rows__list_f16t1__f16t1_address(void);
uint64_t move_rows__list_f16t1__f16t1_address(void)
{
  return (uint64_t)(uintptr_t)move_rows__list_f16t1__f16t1;
}
