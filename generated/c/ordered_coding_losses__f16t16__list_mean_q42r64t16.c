/*
 * What the keys of a layer lose at each choice of bits, by channel, where rows come in the order of their
 * classes: groups are those that will be stored, and errors may count by the rows' scores. Otherwise
 * coding_losses.
 *
 * Generated from kernels/ops/ordered_coding_losses.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *order; /* u32 [nKvHeads, max_rows] */
  const float *token_scores; /* f32 [nKvHeads, max_rows] */
  const uint32_t *due_counts; /* u32 [nKvHeads] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *losses; /* f32 [nKvHeads, headDim, 3] */
  float *means; /* f32 [nKvHeads, headDim] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page; /* first page entry of the last segment of keys */
  uint32_t n_channels; /* headDim */
  uint32_t max_rows; /* rows of the longest order */
  uint32_t weighs_rows; /* 1: a row's errors count as its score */
};
_Static_assert(offsetof(struct args, pages) == 0, "pages");
_Static_assert(offsetof(struct args, order) == 8, "order");
_Static_assert(offsetof(struct args, token_scores) == 16, "token_scores");
_Static_assert(offsetof(struct args, due_counts) == 24, "due_counts");
_Static_assert(offsetof(struct args, arena) == 32, "arena");
_Static_assert(offsetof(struct args, losses) == 40, "losses");
_Static_assert(offsetof(struct args, means) == 48, "means");
_Static_assert(offsetof(struct args, slot) == 56, "slot");
_Static_assert(offsetof(struct args, layer) == 60, "layer");
_Static_assert(offsetof(struct args, n_layers) == 64, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 68, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 72, "page_entries");
_Static_assert(offsetof(struct args, key_page) == 76, "key_page");
_Static_assert(offsetof(struct args, n_channels) == 80, "n_channels");
_Static_assert(offsetof(struct args, max_rows) == 84, "max_rows");
_Static_assert(offsetof(struct args, weighs_rows) == 88, "weighs_rows");

#include "kerf_codes.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  TILE = 16, /* rows of a tile of keys */
  CHANNELS = 16, /* of one item */
  HIGH_BITS = 4,
  LOW_BITS = 2,
  GROUP_SIZE = 64, /* rows that share a scale and a minimum */
};
_Static_assert(HEAD_DIM % CHANNELS == 0, "HEAD_DIM is a multiple of 16");

/* One channel of the unit of rows that begins with rows[0]: f32 [GROUP_SIZE]. */
static void load_unit(const uint8_t *arena, const uint32_t *pages, const uint32_t *rows,
    uint32_t channel, float *x)
{
  for (uint32_t r = 0; r < GROUP_SIZE; r++) {
    const uint32_t in_page = rows[r] % PAGE_ROWS;
    const uint8_t *page = arena + (size_t)pages[rows[r] / PAGE_ROWS] * ARENA_UNIT;
    const kerf_f16 *tile = (const kerf_f16 *)page + in_page / TILE * TILE * HEAD_DIM
        + channel * TILE;
    x[r] = kerf_load_f16(tile + in_page % TILE);
  }
}

/* How much each row of a unit counts: as its score where rows are weighed, else all alike. */
static void load_weights(const float *scores, const uint32_t *rows, float *weights)
{
  for (uint32_t r = 0; r < GROUP_SIZE; r++) weights[r] = scores == NULL ? 1.0f : scores[rows[r]];
}

/* The scores of a head's rows; none where rows are alike, or none of them has any. */
static const float *row_scores_of(
  const struct args *args, uint32_t kv_head, const uint32_t *order, uint32_t n_rows)
{
  const float *scores = args->token_scores + (size_t)kv_head * args->max_rows;
  float total = 0.0f;
  for (uint32_t row = 0; row < n_rows; row++) total += scores[order[row]];
  return args->weighs_rows != 0 && total > 0.0f ? scores : NULL;
}

/* One item: CHANNELS channels of one KV head's rows in their order; no rows of it, nothing. */
static void ordered_coding_losses__f16t16__list_mean_q42r64t16(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  float x[GROUP_SIZE], weights[GROUP_SIZE];
  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item / (HEAD_DIM / CHANNELS);
    const uint32_t first_channel = item % (HEAD_DIM / CHANNELS) * CHANNELS;
    const uint32_t n_rows = args->due_counts[kv_head];
    if (n_rows == 0) continue;

    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + kv_head;
    const uint32_t *pages = args->pages + place * args->page_entries + args->key_page;
    const uint32_t *order = args->order + (size_t)kv_head * args->max_rows;
    const float *scores = row_scores_of(args, kv_head, order, n_rows);

    for (uint32_t channel = first_channel; channel < first_channel + CHANNELS; channel++) {
      float total = 0.0f;
      for (uint32_t row = 0; row < n_rows; row += GROUP_SIZE) {
        load_unit(args->arena, pages, order + row, channel, x);
        f32x16 lanes = kerf_splat16(0.0f);
        for (uint32_t r = 0; r < GROUP_SIZE; r += 16) lanes += kerf_load16(&x[r]);
        total += kerf_sum16(lanes);
      }
      const float mean = kerf_f16_to_f32(kerf_f32_to_f16(total / (float)n_rows));

      float none = 0.0f, low = 0.0f, high = 0.0f, weight = 0.0f;
      for (uint32_t row = 0; row < n_rows; row += GROUP_SIZE) {
        load_unit(args->arena, pages, order + row, channel, x);
        load_weights(scores, order + row, weights);
        f32x16 lanes = kerf_splat16(0.0f), weight_lanes = kerf_splat16(0.0f);
        for (uint32_t r = 0; r < GROUP_SIZE; r += 16) {
          const f32x16 off = kerf_load16(&x[r]) - mean, row_weights = kerf_load16(&weights[r]);
          lanes = kerf_fma16(off * row_weights, off, lanes);
          weight_lanes += row_weights;
        }
        none += kerf_sum16(lanes);
        weight += kerf_sum16(weight_lanes);
        low += kerf_coding_loss(x, weights, GROUP_SIZE, LOW_BITS);
        high += kerf_coding_loss(x, weights, GROUP_SIZE, HIGH_BITS);
      }
      const size_t at = (size_t)kv_head * HEAD_DIM + channel;
      args->means[at] = mean;
      args->losses[3 * at] = none / weight;
      args->losses[3 * at + 1] = low / weight;
      args->losses[3 * at + 2] = high / weight;
    }
  }
}

KERF_EXPORT uint64_t ordered_coding_losses__f16t16__list_mean_q42r64t16_address(void);
uint64_t ordered_coding_losses__f16t16__list_mean_q42r64t16_address(void)
{
  return (uint64_t)(uintptr_t)ordered_coding_losses__f16t16__list_mean_q42r64t16;
}
