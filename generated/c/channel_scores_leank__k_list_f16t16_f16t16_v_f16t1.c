/*
 * LeanK: every head keeps a number of key channels of its own, the same ones for every prompt. Both come from
 * a file, which `deno task calibrate` makes from the scores of another variant over a text; the paper learns
 * them. Nothing is scored when a prompt ends, and its first tokens need not be there. What a file does not
 * know of a prompt is lost; what each head needs it knows better than think: at 75 % of the bytes divergence
 * was 0.048 beside 0.058 on chapters of the book whose first one was the text (bench/results).
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/leank.ts by `deno task gen`. Do not edit.
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
  const float *importance; /* f32 [nLayers, nKvHeads, headDim] */
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
};
_Static_assert(offsetof(struct args, q_ring) == 0, "q_ring");
_Static_assert(offsetof(struct args, pages) == 8, "pages");
_Static_assert(offsetof(struct args, heads) == 16, "heads");
_Static_assert(offsetof(struct args, arena) == 24, "arena");
_Static_assert(offsetof(struct args, importance) == 32, "importance");
_Static_assert(offsetof(struct args, scores) == 40, "scores");
_Static_assert(offsetof(struct args, slot) == 48, "slot");
_Static_assert(offsetof(struct args, layer) == 52, "layer");
_Static_assert(offsetof(struct args, n_layers) == 56, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 60, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 64, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 68, "page_entries");
_Static_assert(offsetof(struct args, key_page) == 72, "key_page");
_Static_assert(offsetof(struct args, window) == 76, "window");
_Static_assert(offsetof(struct args, n_window) == 80, "n_window");

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  CHUNK_ROWS = 256, /* rows of one partial result */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  HEAD_FIELDS = 6, /* rows and width of every segment */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* One item: one KV head. Sixteen channels at a time, in the lanes. */
static void channel_scores_leank__k_list_f16t16_f16t16_v_f16t1(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
    const size_t place = layer * args->n_kv_heads + item;
    const int32_t layer_index = (int32_t)args->layer;
    const int32_t kv_head_index = (int32_t)item;

    for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
      const i32x16 channel = (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
          + (int32_t)c;
      f32x16 total = kerf_splat16(0.0f);
      for (uint32_t g = 0; g < GROUP; g++) {
#line 27 "kernels/prune/leank.ts"
        const f32x16 score = kerf_gather16(args->importance,
            (layer_index * (int32_t)args->n_kv_heads + kv_head_index) * (int32_t)HEAD_DIM
            + channel);
#line 83 "generated/c/channel_scores_leank__k_list_f16t16_f16t16_v_f16t1.c"
        total = total + score;
      }
      kerf_store16(&args->scores[place * HEAD_DIM + c], total / (float)GROUP);
    }
  }
}

KERF_EXPORT uint64_t channel_scores_leank__k_list_f16t16_f16t16_v_f16t1_address(void);
uint64_t channel_scores_leank__k_list_f16t16_f16t16_v_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)channel_scores_leank__k_list_f16t16_f16t16_v_f16t1;
}
