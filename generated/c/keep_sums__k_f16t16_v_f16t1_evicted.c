/*
 * Moves the running sums of the kept rows of a layer, which lie behind the rows of a page, as the rows move.
 *
 * Generated from kernels/ops/keep_sums.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
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
_Static_assert(offsetof(struct args, kept) == 8, "kept");
_Static_assert(offsetof(struct args, kept_counts) == 16, "kept_counts");
_Static_assert(offsetof(struct args, arena) == 24, "arena");
_Static_assert(offsetof(struct args, slot) == 32, "slot");
_Static_assert(offsetof(struct args, layer) == 36, "layer");
_Static_assert(offsetof(struct args, n_layers) == 40, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 44, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 48, "page_entries");
_Static_assert(offsetof(struct args, max_rows) == 52, "max_rows");
_Static_assert(offsetof(struct args, key_page_0) == 56, "key_page_0");
_Static_assert(offsetof(struct args, value_page_0) == 60, "value_page_0");

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  POSITION_BYTES = 4 * PAGE_ROWS, /* at the head of a page of values */
  SUM_OFFSET = POSITION_BYTES + PAGE_ROWS * HEAD_DIM * sizeof(kerf_f16), /* behind its rows */
};

/* The running sum of a row; `pages` are those of values. */
KERF_INLINE float *sum_of(const struct args *args, const uint32_t *pages, uint32_t row)
{
  uint8_t *page = args->arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
  return (float *)(page + SUM_OFFSET) + row % PAGE_ROWS;
}

/* One item: one KV head. Sums move toward the front one after the other, so none is lost. */
static void keep_sums__k_f16t16_v_f16t1_evicted(const struct args *restrict args, uint32_t first,
    uint32_t last)
{
  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + kv_head;
    const uint32_t n_kept = args->kept_counts[2
        * ((size_t)args->layer * args->n_kv_heads + kv_head) + 1];
    const uint32_t *kept = args->kept + (size_t)kv_head * args->max_rows;
    const uint32_t *pages = args->pages + place * args->page_entries + args->value_page_0;
    for (uint32_t i = 0; i < n_kept; i++) *sum_of(args, pages, i) = *sum_of(args, pages, kept[i]);
  }
}

KERF_EXPORT uint64_t keep_sums__k_f16t16_v_f16t1_evicted_address(void);
uint64_t keep_sums__k_f16t16_v_f16t1_evicted_address(void)
{
  return (uint64_t)(uintptr_t)keep_sums__k_f16t16_v_f16t1_evicted;
}
