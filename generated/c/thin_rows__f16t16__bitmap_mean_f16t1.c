/*
 * Leaves each row of keys as many channels as the move says, its own: those with the largest score · (k −
 * fill)². Equal ones keep the lower channel; one that is no number goes first.
 *
 * Generated from kernels/ops/thin_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *src_pages; /* u32 [nKvHeads, page_entries] */
  const uint32_t *dst_pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
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
_Static_assert(offsetof(struct args, scores) == 16, "scores");
_Static_assert(offsetof(struct args, fills) == 24, "fills");
_Static_assert(offsetof(struct args, moves) == 32, "moves");
_Static_assert(offsetof(struct args, arena) == 40, "arena");
_Static_assert(offsetof(struct args, slot) == 48, "slot");
_Static_assert(offsetof(struct args, layer) == 52, "layer");
_Static_assert(offsetof(struct args, n_layers) == 56, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 60, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 64, "page_entries");
_Static_assert(offsetof(struct args, src_page) == 68, "src_page");
_Static_assert(offsetof(struct args, dst_page) == 72, "dst_page");
_Static_assert(offsetof(struct args, max_rows) == 76, "max_rows");

#include "kerf_sets.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  ROWS = 16, /* of one item */
  TILE = 16, /* rows of a tile of whole rows */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/*
 * How many channels come before each of sixteen in the order of what they are worth, from `first` on; equal
 * ones by index.
 */
KERF_INLINE i32x16 rank16(const float *worth, uint32_t first)
{
  const i32x16 channel = (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
      + (int32_t)first;
  const f32x16 own = kerf_load16(&worth[first]);
  i32x16 rank = {0};
  for (uint32_t other = 0; other < HEAD_DIM; other++) {
    const f32x16 x = kerf_splat16(worth[other]);
    rank -= (x > own) | ((x == own) & ((int32_t)other < channel));
  }
  return rank;
}

/* Stores a row's `width` channels of the largest score · (key - fill)², behind their bits. */
static void thin_row(const float *key, const float *scores, const float *fills, uint32_t width,
    uint16_t *row)
{
  float worth[HEAD_DIM];
  for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
    const f32x16 off = kerf_load16(&key[c]) - kerf_load16(&fills[c]);
    const f32x16 x = kerf_load16(&scores[c]) * off * off;
    /* What is no number is worth less than any. */
    kerf_store16(&worth[c], kerf_select16(kerf_equal16(x, x), x, kerf_splat16(-INFINITY)));
  }
  uint16_t *stored = row + HEAD_DIM / 16;
  for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
    const i32x16 rank = rank16(worth, c);
    uint32_t bits = 0;
    for (uint32_t lane = 0; lane < 16; lane++) {
      if (rank[lane] >= (int32_t)width) continue;
      bits |= 1u << lane;
      kerf_store_f16(stored++, key[c + lane]);
    }
    row[c / 16] = (uint16_t)bits;
  }
}

/* One item: ROWS rows of one KV head's move. Their pages are not among the source's. */
static void thin_rows__f16t16__bitmap_mean_f16t1(const struct args *restrict args, uint32_t first,
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
    const float *scores = args->scores + place * HEAD_DIM, *fills = args->fills + place * HEAD_DIM;
    for (uint32_t i = first_row; i < n_rows && i < first_row + ROWS; i++) {
      const uint32_t from = move[0] + i, to = move[1] + i;
      const uint8_t *source_page = args->arena
          + (size_t)source_pages[from / PAGE_ROWS] * ARENA_UNIT;
      const uint32_t in_page = from % PAGE_ROWS;
      const kerf_f16 *source = (const kerf_f16 *)source_page + in_page / TILE * TILE * HEAD_DIM
          + in_page % TILE;
      float key[HEAD_DIM];
      for (uint32_t c = 0; c < HEAD_DIM; c++) key[c] = kerf_load_f16(source + c * TILE);
      uint16_t *page = (uint16_t *)(args->arena + (size_t)pages[to / PAGE_ROWS] * ARENA_UNIT);
      thin_row(key, scores, fills, width, page + to % PAGE_ROWS * kerf_set_halves(HEAD_DIM, width));
    }
  }
}

KERF_EXPORT uint64_t thin_rows__f16t16__bitmap_mean_f16t1_address(void);
uint64_t thin_rows__f16t16__bitmap_mean_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)thin_rows__f16t16__bitmap_mean_f16t1;
}
