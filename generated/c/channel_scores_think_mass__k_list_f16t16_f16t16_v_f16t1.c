/*
 * ThinK with widths that the scores decide: of each head as few key channels stay as hold the share `mass` of
 * all scores, so heads whose logits rest on few channels store few. Costs as ThinK does. How much it saves is
 * known only once the prompt is read: `ratio` of the channels leave in any case, and forecasts count no more.
 * At equal bytes it is not told apart from ThinK on the default model (0.98: as ThinK's 0.5).
 * Scores of every channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/think_mass.ts by `deno task gen`. Do not edit.
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
  HEAD_FIELDS = 6, /* rows and width of every segment */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* What is left of the keys: f32 [HEAD_DIM] each, not finished. */
struct key_totals {
  float mean_square_k_totals[HEAD_DIM];
};

/* Reduces every channel of n_keys keys: 256-row partial results, merged in order. */
static void reduce_keys(const uint8_t *arena, const uint32_t *pages, uint32_t n_keys,
    struct key_totals *totals)
{
  float *mean_square_k_totals = totals->mean_square_k_totals;
  for (uint32_t c = 0; c < HEAD_DIM; c++) mean_square_k_totals[c] = 0.0f;
  for (uint32_t first = 0; first < n_keys; first += CHUNK_ROWS) {
    const uint32_t end = n_keys - first < CHUNK_ROWS ? n_keys : first + CHUNK_ROWS;
    for (uint32_t c = 0; c < HEAD_DIM; c++) {
      f32x16 mean_square_k_lanes = kerf_splat16(0.0f);
      for (uint32_t row = first; row < end; row += 16) {
        const uint8_t *page = arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
        const kerf_f16 *tile = (const kerf_f16 *)page + row % PAGE_ROWS * HEAD_DIM;
        const f32x16 x = kerf_load16_f16(tile + c * 16);
        const i32x16 stored = kerf_first16(kerf_lanes(end - row));

        mean_square_k_lanes = kerf_select16(stored, mean_square_k_lanes + x * x,
            mean_square_k_lanes);
      }
      /* Lane partials meet in a fixed tree: the same bits on every call. */
      for (uint32_t half = 8; half > 0; half /= 2) {
        for (uint32_t lane = 0; lane < half; lane++) {
          mean_square_k_lanes[lane] = mean_square_k_lanes[lane] + mean_square_k_lanes[lane + half];
        }
      }

      mean_square_k_totals[c] = mean_square_k_totals[c] + mean_square_k_lanes[0];
    }
  }
}

/* One item: one KV head. Sixteen channels at a time, in the lanes. */
static void channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1(
    const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
    const size_t place = layer * args->n_kv_heads + item;
    const uint32_t n_keys = args->heads[place * HEAD_FIELDS + 2];
    const float key_count = (float)n_keys;
    struct key_totals totals;
    reduce_keys(args->arena, args->pages + place * args->page_entries + args->key_page, n_keys,
        &totals);
    const float query_count = (float)args->n_window;

    for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
      f32x16 total = kerf_splat16(0.0f);
      for (uint32_t g = 0; g < GROUP; g++) {
        const f32x16 mean_square_k_lanes = kerf_load16(&totals.mean_square_k_totals[c]);
#line 41 "src/dsl/reductions.ts"
        const f32x16 mean_square_k = mean_square_k_lanes / key_count;
#line 117 "generated/c/channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1.c"
        f32x16 mean_square_q_lanes = kerf_splat16(0.0f);
        const size_t head = layer * args->n_heads + item * GROUP + g;
        const float *window = args->q_ring + head * args->window * HEAD_DIM + c;
        for (uint32_t query = 0; query < args->n_window; query++) {
          const f32x16 x = kerf_load16(window + (size_t)query * HEAD_DIM);

          mean_square_q_lanes = mean_square_q_lanes + x * x;
        }
#line 41 "src/dsl/reductions.ts"
        const f32x16 mean_square_q = mean_square_q_lanes / query_count;
#line 24 "kernels/prune/think_mass.ts"
        const f32x16 score = mean_square_q * mean_square_k;
#line 130 "generated/c/channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1.c"
        total = total + score;
      }
      kerf_store16(&args->scores[place * HEAD_DIM + c], total / (float)GROUP);
    }
  }
}

KERF_EXPORT uint64_t channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1_address(void);
uint64_t channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)channel_scores_think_mass__k_list_f16t16_f16t16_v_f16t1;
}
