/*
 * ThinK's question asked further: not which key channels to drop but how many bits each is worth, and not which
 * rows to evict but which keep their values in more bits. A channel's error shows in the logits as large as its
 * queries are: channels get 0, 2 or 4 bits where these errors, by their rows' scores, sum to the least at `keys`
 * bits a channel and row, scales included; without bits a channel reads as its mean. The share `high` of the rows
 * that the last queries attend to most has values of 4 bits, the others of 2; below a budget of 0.11 of 2 and of
 * none, which read as their mean. Each has bits of channels of its own. `budget` splits itself; only rows that are
 * coded count. Costs two passes over the keys that are coded and a softmax of the window. What the window does not
 * ask for is only coarser; below 0.12 needles get lost. `turned=1` codes values in a Hadamard basis, which is worth
 * up to a quarter; heads must have 2ⁿ channels.
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/think_bits.ts by `deno task gen`. Do not edit.
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
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 12] */
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

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  CHUNK_ROWS = 256, /* rows of one partial result */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  HEAD_FIELDS = 12, /* rows and width of every segment */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* One item: one KV head. Sixteen channels at a time, in the lanes. */
static void channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
    const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
    const size_t place = layer * args->n_kv_heads + item;
    const float query_count = (float)args->n_window;

    for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
      f32x16 total = kerf_splat16(0.0f);
      for (uint32_t g = 0; g < GROUP; g++) {
        f32x16 mean_square_q_lanes = kerf_splat16(0.0f);
        const size_t head = layer * args->n_heads + item * GROUP + g;
        const float *window = args->q_ring + head * args->window * HEAD_DIM + c;
        for (uint32_t query = 0; query < args->n_window; query++) {
          const f32x16 x = kerf_load16(window + (size_t)query * HEAD_DIM);

          mean_square_q_lanes = mean_square_q_lanes + x * x;
        }
#line 41 "src/dsl/reductions.ts"
        const f32x16 mean_square_q = mean_square_q_lanes / query_count;

#line 89 "generated/c/channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1.c"
        total = total + mean_square_q;
      }
      kerf_store16(&args->scores[place * HEAD_DIM + c], total / (float)GROUP);
    }
  }
}

KERF_EXPORT uint64_t channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1_address(
    void);
uint64_t channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1_address(
    void)
{
  return (
      uint64_t)(
      uintptr_t)channel_scores_think_bits__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1;
}
