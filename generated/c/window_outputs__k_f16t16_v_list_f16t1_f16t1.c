/*
 * What attention makes for the last `n_window` queries over every row of a layer, before any of them loses a
 * channel: causal by true positions, without the variant's score and mask. f32 [nHeads, n_window, headDim].
 *
 * Generated from kernels/ops/window_outputs.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif
#ifndef GROUP
#error "compile with -DGROUP=N"
#endif

struct args {
  const float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *outputs; /* f32 [nHeads, n_window, headDim] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t window; /* places of the ring */
  uint32_t n_window; /* queries in it */
  uint32_t n_tokens; /* position after the last query */
  float scale; /* 1 / √headDim */
  uint32_t key_page; /* first page entry of the last segment of keys */
  uint32_t value_page; /* first page entry of the last segment of values */
};
_Static_assert(offsetof(struct args, q_ring) == 0, "q_ring");
_Static_assert(offsetof(struct args, pages) == 8, "pages");
_Static_assert(offsetof(struct args, heads) == 16, "heads");
_Static_assert(offsetof(struct args, arena) == 24, "arena");
_Static_assert(offsetof(struct args, outputs) == 32, "outputs");
_Static_assert(offsetof(struct args, slot) == 40, "slot");
_Static_assert(offsetof(struct args, layer) == 44, "layer");
_Static_assert(offsetof(struct args, n_layers) == 48, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 52, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 56, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 60, "page_entries");
_Static_assert(offsetof(struct args, window) == 64, "window");
_Static_assert(offsetof(struct args, n_window) == 68, "n_window");
_Static_assert(offsetof(struct args, n_tokens) == 72, "n_tokens");
_Static_assert(offsetof(struct args, scale) == 76, "scale");
_Static_assert(offsetof(struct args, key_page) == 80, "key_page");
_Static_assert(offsetof(struct args, value_page) == 84, "value_page");

#include "kerf_native.h"
#include "kerf_softmax.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  TILE_ROWS = 16, /* rows of a tile of keys: the lanes */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  HEAD_FIELDS = 6, /* rows and width of every segment */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* Adds a row's values to the output, by its weight. */
static void add_values(const kerf_f16 *values, float weight, float *out)
{
  for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
    const f32x16 sum = kerf_fma16(kerf_splat16(weight), kerf_load16_f16(values + c),
        kerf_load16(&out[c]));
    kerf_store16(&out[c], sum);
  }
}

/* One item: one query of one head over all its rows, sixteen at a time with one running softmax. */
static void window_outputs__k_f16t16_v_list_f16t1_f16t1(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  for (uint32_t item = first; item < last; item++) {
    const uint32_t head = item / args->n_window, query = item % args->n_window;
    const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
    const size_t place = layer * args->n_kv_heads + head / GROUP;
    const uint32_t *pages = args->pages + place * args->page_entries;
    const uint32_t n_rows = args->heads[place * HEAD_FIELDS + 4];
    const uint32_t position = args->n_tokens - args->n_window + query;
    const float *ring = args->q_ring + (layer * args->n_heads + head) * args->window * HEAD_DIM;
    const float *q = ring + (size_t)(position % args->window) * HEAD_DIM;

    float largest = KERF_MASKED, sum = 0.0f;
    _Alignas(64) float out[HEAD_DIM] = {0};
    for (uint32_t row = 0; row < n_rows; row += TILE_ROWS) {
      const uint32_t in_page = row % PAGE_ROWS;
      const uint8_t *key_page = args->arena
          + (size_t)pages[args->key_page + row / PAGE_ROWS] * ARENA_UNIT;
      const uint8_t *value_page = args->arena
          + (size_t)pages[args->value_page + row / PAGE_ROWS] * ARENA_UNIT;
      const kerf_f16 *keys = (const kerf_f16 *)key_page + in_page * HEAD_DIM;
      f32x16 product = kerf_splat16(0.0f);
      for (uint32_t c = 0; c < HEAD_DIM; c++) {
        product = kerf_fma16(kerf_splat16(q[c]), kerf_load16_f16(keys + c * TILE_ROWS), product);
      }
      const i32x16 positions = lane + (int32_t)row;
      const i32x16 visible = kerf_less16_i32(lane + (int32_t)row,
          kerf_splat16_i32((int32_t)n_rows)) &
      kerf_at_most16_i32(positions, kerf_splat16_i32((int32_t)position));
      const f32x16 logit = kerf_select16(visible, product * args->scale, kerf_splat16(KERF_MASKED));
      const float tile_largest = kerf_largest16(logit);
      const float top = tile_largest > largest ? tile_largest : largest;
      const f32x16 weight = kerf_select16(visible, kerf_exp16(logit - top), kerf_splat16(0.0f));
      const float scale = kerf_exp(largest - top);
      largest = top;
      sum = sum * scale + kerf_sum16(weight);
      for (uint32_t c = 0; c < HEAD_DIM; c += 16)
        kerf_store16(&out[c], kerf_load16(&out[c]) * scale);
      const kerf_f16 *values = (const kerf_f16 *)(value_page) + in_page * HEAD_DIM;
      const uint32_t n = kerf_lanes(n_rows - row);
      for (uint32_t i = 0; i < n; i++) add_values(values + i * HEAD_DIM, weight[i], out);
    }
    kerf_finish_softmax(sum, out, args->outputs + (size_t)item * HEAD_DIM, HEAD_DIM);
  }
}

KERF_EXPORT uint64_t window_outputs__k_f16t16_v_list_f16t1_f16t1_address(void);
uint64_t window_outputs__k_f16t16_v_list_f16t1_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)window_outputs__k_f16t16_v_list_f16t1_f16t1;
}
