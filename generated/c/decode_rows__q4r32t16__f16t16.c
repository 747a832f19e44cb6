/*
 * Makes whole rows of coded ones on their way to another segment: code c of a group reads as scale · c +
 * minimum, a channel that is not stored as 0.
 *
 * Generated from kernels/ops/decode_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *src_pages; /* u32 [nKvHeads, page_entries] */
  const uint32_t *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
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
_Static_assert(offsetof(struct args, moves) == 16, "moves");
_Static_assert(offsetof(struct args, arena) == 24, "arena");
_Static_assert(offsetof(struct args, slot) == 32, "slot");
_Static_assert(offsetof(struct args, layer) == 36, "layer");
_Static_assert(offsetof(struct args, n_layers) == 40, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 44, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 48, "page_entries");
_Static_assert(offsetof(struct args, src_page) == 52, "src_page");
_Static_assert(offsetof(struct args, dst_page) == 56, "dst_page");
_Static_assert(offsetof(struct args, max_rows) == 60, "max_rows");

#include "kerf_codes.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  ROWS = 32, /* of one item */
  TILE = 16, /* rows of a tile of the destination */
  BITS = 4,
  GROUP_SIZE = 32, /* values that share a scale and a minimum */
  CELL_BYTES = 2 * BITS, /* sixteen codes */
  HEAD_BYTES = 0, /* positions before a page's first row */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

KERF_INLINE uint8_t *page_of(uint8_t *arena, const uint32_t *pages, uint32_t row)
{
  return arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
}

/* Where channel 0 of a destination row lies; the next channel is TILE elements on. */
KERF_INLINE kerf_f16 *row_place(uint8_t *arena, const uint32_t *pages, uint32_t row)
{
  const uint32_t in_page = row % PAGE_ROWS;
  kerf_f16 *page = (kerf_f16 *)(page_of(arena, pages, row) + HEAD_BYTES);
  return page + in_page / TILE * TILE * HEAD_DIM + in_page % TILE;
}

enum { DECODED_ROWS = GROUP_SIZE }; /* at once: a unit */

/* Decodes a unit of rows, channel by channel; the source's unit begins at `source_row`. */
static void decode(
  uint8_t *arena, const uint32_t *source_pages, uint32_t source_row, const uint32_t *pages,
  uint32_t row)
{
  const uint32_t width = HEAD_DIM;
  const size_t code_bytes = (size_t)width * GROUP_SIZE * BITS / 8;
  const size_t unit_bytes = code_bytes + width * sizeof(struct kerf_group);
  const uint8_t *unit = page_of(arena, source_pages, source_row) + HEAD_BYTES
      + source_row % PAGE_ROWS / GROUP_SIZE * unit_bytes;
  kerf_f16 *rows[GROUP_SIZE];
  for (uint32_t r = 0; r < GROUP_SIZE; r++) rows[r] = row_place(arena, pages, row + r);

  for (uint32_t c = 0; c < width; c++) {
    float x[GROUP_SIZE];
    struct kerf_group group;
    memcpy(&group, unit + code_bytes + c * sizeof group, sizeof group);
    kerf_decode(group, GROUP_SIZE, BITS, unit + c * CELL_BYTES, width * CELL_BYTES, x);
    for (uint32_t r = 0; r < GROUP_SIZE; r++) kerf_store_f16(rows[r] + c * TILE, x[r]);
  }
}

/* One item: ROWS rows of one KV head's move. Their pages are not among the source's. */
static void decode_rows__q4r32t16__f16t16(const struct args *restrict args, uint32_t first,
    uint32_t last)
{
  const uint32_t n_blocks = (args->max_rows + ROWS - 1) / ROWS;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t head = item / n_blocks, first_row = item % n_blocks * ROWS;
    const uint32_t *move = args->moves + 4 * ((size_t)args->layer * args->n_kv_heads + head);
    const uint32_t n_rows = move[2];
    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + head;
    const uint32_t *source_pages = args->src_pages + (size_t)head * args->page_entries
        + args->src_page;
    const uint32_t *pages = args->dst_pages + place * args->page_entries + args->dst_page;
    for (uint32_t row = first_row; row < n_rows && row < first_row + ROWS; row += DECODED_ROWS) {
      decode(args->arena, source_pages, move[0] + row, pages, move[1] + row);
    }
  }
}

KERF_EXPORT uint64_t decode_rows__q4r32t16__f16t16_address(void);
uint64_t decode_rows__q4r32t16__f16t16_address(void)
{
  return (uint64_t)(uintptr_t)decode_rows__q4r32t16__f16t16;
}
