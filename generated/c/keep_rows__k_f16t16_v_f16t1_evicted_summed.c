/*
 * Moves the kept rows of a layer to the front of their pages, in order: every segment of keys in itself, values
 * with their positions. `heads` still has the rows before. Where keys are rotated by their place, they are
 * turned back by as much as they move. One item takes a KV head's rows one after the other, so that no row is
 * written before it is read.
 *
 * Generated from kernels/ops/keep_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const uint32_t *kept; /* u32 [nKvHeads, max_rows] */
  const uint32_t *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  uint8_t *arena; /* u8 [arenaBytes] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in the block table */
  uint32_t max_rows; /* rows of the longest head before */
  uint32_t key_page_0; /* the segment's first page entry */
  uint32_t value_page_0;
};
_Static_assert(offsetof(struct args, pages) == 0, "pages");
_Static_assert(offsetof(struct args, heads) == 8, "heads");
_Static_assert(offsetof(struct args, kept) == 16, "kept");
_Static_assert(offsetof(struct args, kept_counts) == 24, "kept_counts");
_Static_assert(offsetof(struct args, arena) == 32, "arena");
_Static_assert(offsetof(struct args, slot) == 40, "slot");
_Static_assert(offsetof(struct args, layer) == 44, "layer");
_Static_assert(offsetof(struct args, n_layers) == 48, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 52, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 56, "page_entries");
_Static_assert(offsetof(struct args, max_rows) == 60, "max_rows");
_Static_assert(offsetof(struct args, key_page_0) == 64, "key_page_0");
_Static_assert(offsetof(struct args, value_page_0) == 68, "value_page_0");

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  TILE_ROWS = 16, /* rows of a tile of keys */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  POSITION_BYTES = 4 * PAGE_ROWS, /* at the head of a page of values */
  SUM_BYTES = 4 * PAGE_ROWS, /* behind the positions: running sums */
};

KERF_INLINE uint8_t *page_of(const struct args *args, const uint32_t *pages, uint32_t row)
{
  return args->arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
}

/* Where channel 0 of a key lies; the next channel is TILE_ROWS elements on. */
KERF_INLINE kerf_f16 *key_place(const struct args *args, const uint32_t *pages, uint32_t row,
    uint32_t width)
{
  const uint32_t in_page = row % PAGE_ROWS;
  return (kerf_f16 *)page_of(args, pages, row) + in_page / TILE_ROWS * TILE_ROWS * width
      + in_page % TILE_ROWS;
}

/* Copies one row's value, position and sum. */
KERF_INLINE void copy_value(const struct args *args, const uint32_t *pages, uint32_t row,
    uint32_t new_row)
{
  const uint8_t *source = page_of(args, pages, row);
  uint8_t *destination = page_of(args, pages, new_row);
  const size_t bytes = HEAD_DIM * sizeof(kerf_f16);
  ((int32_t *)destination)[new_row % PAGE_ROWS] = ((const int32_t *)source)[row % PAGE_ROWS];
  ((float *)(destination + POSITION_BYTES))[new_row % PAGE_ROWS] = ((const float *)(source
      + POSITION_BYTES))[row % PAGE_ROWS];
  memcpy(destination + POSITION_BYTES + SUM_BYTES + new_row % PAGE_ROWS * bytes,
      source + POSITION_BYTES + SUM_BYTES + row % PAGE_ROWS * bytes, bytes);
}

/* One item: one KV head. Rows move toward the front one after the other, so none is lost. */
static void keep_rows__k_f16t16_v_f16t1_evicted_summed(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + kv_head;
    const uint32_t n_kept = args->kept_counts[2
        * ((size_t)args->layer * args->n_kv_heads + kv_head) + 1];
    const uint32_t *kept = args->kept + (size_t)kv_head * args->max_rows;
    const uint32_t *pages = args->pages + place * args->page_entries;
    for (uint32_t i = 0; i < n_kept; i++) {
      if (kept[i] != i) copy_value(args, pages + args->value_page_0, kept[i], i);
      const uint32_t width = HEAD_DIM, row = kept[i], new_row = i, page = args->key_page_0;
      if (row == new_row) continue;
      const kerf_f16 *source = key_place(args, pages + page, row, width);
      kerf_f16 *destination = key_place(args, pages + page, new_row, width);
      for (uint32_t c = 0; c < width; c++) destination[c * TILE_ROWS] = source[c * TILE_ROWS];
    }
  }
}

KERF_EXPORT uint64_t keep_rows__k_f16t16_v_f16t1_evicted_summed_address(void);
uint64_t keep_rows__k_f16t16_v_f16t1_evicted_summed_address(void)
{
  return (uint64_t)(uintptr_t)keep_rows__k_f16t16_v_f16t1_evicted_summed;
}
