/*
 * Codes rows of a stream as encode_rows does, in an order of their own: which full rows come one after the
 * other is in `order`, so that rows of one class lie together.
 *
 * Generated from kernels/ops/encode_ordered_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *src_pages; /* u32 [nKvHeads, page_entries] */
  const uint32_t *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *moves; /* u32 [nLayers, nKvHeads, 4] */
  const uint32_t *order; /* u32 [nKvHeads, max_rows] */
  uint8_t *arena; /* u8 [arenaBytes] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in both page tables */
  uint32_t src_page; /* the source segment's first page entry */
  uint32_t dst_page; /* the destination segment's first page entry */
  uint32_t max_rows; /* rows of the longest order */
};
_Static_assert(offsetof(struct args, src_pages) == 0, "src_pages");
_Static_assert(offsetof(struct args, dst_pages) == 8, "dst_pages");
_Static_assert(offsetof(struct args, moves) == 16, "moves");
_Static_assert(offsetof(struct args, order) == 24, "order");
_Static_assert(offsetof(struct args, arena) == 32, "arena");
_Static_assert(offsetof(struct args, slot) == 40, "slot");
_Static_assert(offsetof(struct args, layer) == 44, "layer");
_Static_assert(offsetof(struct args, n_layers) == 48, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 52, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 56, "page_entries");
_Static_assert(offsetof(struct args, src_page) == 60, "src_page");
_Static_assert(offsetof(struct args, dst_page) == 64, "dst_page");
_Static_assert(offsetof(struct args, max_rows) == 68, "max_rows");

#include "kerf_codes.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  ROWS = 16, /* of one item */
  TILE = 1, /* rows of a tile of the source */
  BITS = 2,
  GROUP_SIZE = 64, /* values that share a scale and a minimum */
  CELL_BYTES = 2 * BITS, /* sixteen codes */
  HEAD_BYTES = 0, /* positions before a page's first row */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

KERF_INLINE uint8_t *page_of(uint8_t *arena, const uint32_t *pages, uint32_t row)
{
  return arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
}

/* Where channel 0 of a source row lies; the next channel is TILE elements on. */
KERF_INLINE const kerf_f16 *row_place(uint8_t *arena, const uint32_t *pages, uint32_t row)
{
  const uint32_t in_page = row % PAGE_ROWS;
  const kerf_f16 *page = (const kerf_f16 *)(page_of(arena, pages, row) + HEAD_BYTES);
  return page + in_page / TILE * TILE * HEAD_DIM + in_page % TILE;
}

enum {
  ENCODED_ROWS = 1, /* at once */
  CODE_BYTES = HEAD_DIM * BITS / 8,
  N_GROUPS = (HEAD_DIM + GROUP_SIZE - 1) / GROUP_SIZE,
  ROW_BYTES = CODE_BYTES + N_GROUPS * sizeof(struct kerf_group),
};

/* Codes one row, group by group of channels; the last group may be short. */
static void encode(
  uint8_t *arena, const uint32_t *source_pages, const uint32_t *source_row, const uint32_t *pages,
  uint32_t row)
{
  const kerf_f16 *source = row_place(arena, source_pages, *source_row);
  uint8_t *codes = page_of(arena, pages, row) + HEAD_BYTES + row % PAGE_ROWS * ROW_BYTES;
  for (uint32_t g = 0; g < N_GROUPS; g++) {
    const uint32_t first = g * GROUP_SIZE;
    const uint32_t n = HEAD_DIM - first < GROUP_SIZE ? HEAD_DIM - first : GROUP_SIZE;
    float x[GROUP_SIZE];
    for (uint32_t c = 0; c < n; c++) x[c] = kerf_load_f16(source + (first + c) * TILE);
    const struct kerf_group group = kerf_encode(x, n, BITS, codes + first / 16 * CELL_BYTES,
        CELL_BYTES);
    memcpy(codes + CODE_BYTES + g * sizeof group, &group, sizeof group);
  }
}

/* One item: ROWS rows of one KV head's move. Their pages are not among the source's. */
static void encode_ordered_rows__f16t1__q2c64t1(const struct args *restrict args, uint32_t first,
    uint32_t last)
{
  const uint32_t n_blocks = (args->max_rows + ROWS - 1) / ROWS;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t head = item / n_blocks, first_row = item % n_blocks * ROWS;
    const uint32_t *move = args->moves + 4 * ((size_t)args->layer * args->n_kv_heads + head);
    const uint32_t n_rows = move[2];
    const uint32_t *order = args->order + (size_t)head * args->max_rows;
    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + head;
    const uint32_t *source_pages = args->src_pages + (size_t)head * args->page_entries
        + args->src_page;
    const uint32_t *pages = args->dst_pages + place * args->page_entries + args->dst_page;
    for (uint32_t row = first_row; row < n_rows && row < first_row + ROWS; row += ENCODED_ROWS) {
      encode(args->arena, source_pages, &order[move[0] + row], pages, move[1] + row);
    }
  }
}

KERF_EXPORT uint64_t encode_ordered_rows__f16t1__q2c64t1_address(void);
uint64_t encode_ordered_rows__f16t1__q2c64t1_address(void)
{
  return (uint64_t)(uintptr_t)encode_ordered_rows__f16t1__q2c64t1;
}
