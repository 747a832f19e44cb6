/*
 * Drops key channels at random, by a seed: the baseline that any score must beat.
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/random_channels.ts by `deno task gen`. Do not edit.
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
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 6] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page; /* first page entry of the last segment of keys */
  uint32_t window; /* places of the ring */
  uint32_t n_window; /* queries in it */
  int32_t seed; /* of the random numbers */
};
_Static_assert(offsetof(struct args, q_ring) == 0, "q_ring");
_Static_assert(offsetof(struct args, pages) == 8, "pages");
_Static_assert(offsetof(struct args, heads) == 16, "heads");
_Static_assert(offsetof(struct args, arena) == 24, "arena");
_Static_assert(offsetof(struct args, scores) == 32, "scores");
_Static_assert(offsetof(struct args, slot) == 40, "slot");
_Static_assert(offsetof(struct args, layer) == 44, "layer");
_Static_assert(offsetof(struct args, n_layers) == 48, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 52, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 56, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 60, "page_entries");
_Static_assert(offsetof(struct args, key_page) == 64, "key_page");
_Static_assert(offsetof(struct args, window) == 68, "window");
_Static_assert(offsetof(struct args, n_window) == 72, "n_window");
_Static_assert(offsetof(struct args, seed) == 76, "seed");

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  CHUNK_ROWS = 256, /* rows of one partial result */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  HEAD_FIELDS = 6, /* rows and width of every segment */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* One item: one KV head. Sixteen channels at a time, in the lanes. */
static void channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1(
    const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
    const size_t place = layer * args->n_kv_heads + item;
    const int32_t layer_index = (int32_t)args->layer;
    const int32_t kv_head_index = (int32_t)item;
#line 21 "src/dsl/bits.ts"
    const int32_t index = args->seed ^ (layer_index * (int32_t)0x9e3779b1)
        ^ (kv_head_index * (int32_t)0x85ebca6b);

#line 73 "generated/c/channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1.c"
    for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
      const i32x16 channel = (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
          + (int32_t)c;
      f32x16 total = kerf_splat16(0.0f);
      for (uint32_t g = 0; g < GROUP; g++) {
#line 21 "src/dsl/bits.ts"
        const i32x16 x0 = index ^ (channel * (int32_t)0xc2b2ae35);
#line 23 "src/dsl/bits.ts"
        const i32x16 x1 = (x0 ^ kerf_ushr16(x0, kerf_splat16_i32(16))) * 0x21f0aaad;
        const i32x16 x2 = (x1 ^ kerf_ushr16(x1, kerf_splat16_i32(15))) * 0x735a2d97;
        const i32x16 x3 = x2 ^ kerf_ushr16(x2, kerf_splat16_i32(15));
        const f32x16 score = kerf_to_f32x16(kerf_ushr16(x3, kerf_splat16_i32(8)) & 0xffffff)
            / 16777216.0f;
#line 87 "generated/c/channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1.c"
        total = total + score;
      }
      kerf_store16(&args->scores[place * HEAD_DIM + c], total / (float)GROUP);
    }
  }
}

KERF_EXPORT uint64_t channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1_address(void);
uint64_t channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)channel_scores_random_channels__k_list_f16t16_f16t16_v_f16t1;
}
