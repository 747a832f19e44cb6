/*
 * The mean of every channel over a layer's whole keys, rounded to f16: what it reads as where a row lacks it.
 *
 * Generated from kernels/ops/key_means.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *fills; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page; /* first page entry of the last segment of keys */
};
_Static_assert(offsetof(struct args, pages) == 0, "pages");
_Static_assert(offsetof(struct args, heads) == 8, "heads");
_Static_assert(offsetof(struct args, arena) == 16, "arena");
_Static_assert(offsetof(struct args, fills) == 24, "fills");
_Static_assert(offsetof(struct args, slot) == 32, "slot");
_Static_assert(offsetof(struct args, layer) == 36, "layer");
_Static_assert(offsetof(struct args, n_layers) == 40, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 44, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 48, "page_entries");
_Static_assert(offsetof(struct args, key_page) == 52, "key_page");

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  HEAD_FIELDS = 6, /* rows and width of every segment */
};

/* One item: one KV head. Sixteen rows at a time, in the lanes. */
static void key_means__k_bitmap_mean_f16t1_f16t16_v_f16t1(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + item;
    const uint32_t *pages = args->pages + place * args->page_entries + args->key_page;
    const uint32_t n_rows = args->heads[place * HEAD_FIELDS + 2];
    f32x16 sums[HEAD_DIM];
    for (uint32_t c = 0; c < HEAD_DIM; c++) sums[c] = kerf_splat16(0.0f);

    for (uint32_t row = 0; row < n_rows; row += 16) {
      const uint8_t *page = args->arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
      const kerf_f16 *tile = (const kerf_f16 *)page + row % PAGE_ROWS * HEAD_DIM;
      const i32x16 stored = kerf_first16(kerf_lanes(n_rows - row));
      for (uint32_t c = 0; c < HEAD_DIM; c++) {
        sums[c] += kerf_select16(stored, kerf_load16_f16(tile + c * 16), kerf_splat16(0.0f));
      }
    }

    float *fills = args->fills + place * HEAD_DIM;
    for (uint32_t c = 0; c < HEAD_DIM; c++) {
      const float mean = n_rows == 0 ? 0.0f : kerf_sum16(sums[c]) / (float)n_rows;
      fills[c] = kerf_f16_to_f32(kerf_f32_to_f16(mean));
    }
  }
}

KERF_EXPORT uint64_t key_means__k_bitmap_mean_f16t1_f16t16_v_f16t1_address(void);
uint64_t key_means__k_bitmap_mean_f16t1_f16t16_v_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)key_means__k_bitmap_mean_f16t1_f16t16_v_f16t1;
}
