/*
 * What the keys of a layer lose at each choice of bits, by channel, where rows come in the order of their
 * classes, those of each list by themselves: groups are those that will be stored, and errors may count by the
 * rows' scores and, where both lists have rows, a share of these' mean. Otherwise coding_losses.
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
  const uint32_t *due_counts; /* u32 [nKvHeads, nKeyLists] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *losses; /* f32 [nKvHeads, nKeyLists, headDim, 3] */
  float *means; /* f32 [nKvHeads, nKeyLists, headDim] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page; /* first page entry of the last segment of keys */
  uint32_t n_channels; /* headDim */
  uint32_t n_key_lists; /* lists of a head */
  uint32_t max_rows; /* rows of the longest order */
  uint32_t weighs_rows; /* 1: a row's errors count as its score */
  float mean_share; /* of the scores' mean in what each row counts, where two lists have rows */
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
_Static_assert(offsetof(struct args, n_key_lists) == 84, "n_key_lists");
_Static_assert(offsetof(struct args, max_rows) == 88, "max_rows");
_Static_assert(offsetof(struct args, weighs_rows) == 92, "weighs_rows");
_Static_assert(offsetof(struct args, mean_share) == 96, "mean_share");

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

/* How much the rows of a head count: their scores by a factor and a share of these' mean; no scores: all alike. */
struct row_weights {
  const float *scores;
  float factor, mean;
};

static struct row_weights row_weights_of(
  const struct args *args, uint32_t kv_head, const uint32_t *order, uint32_t n_rows, float mean)
{
  const float *scores = args->token_scores + (size_t)kv_head * args->max_rows;
  f32x16 lanes = kerf_splat16(0.0f);
  for (uint32_t row = 0; row < n_rows; row += 16) {
    for (uint32_t lane = 0; lane < 16; lane++) lanes[lane] += scores[order[row + lane]];
  }
  const float total = kerf_sum16(lanes);
  if (args->weighs_rows == 0 || !(total > 0.0f)) return (struct row_weights){0};
  return (struct row_weights){scores, (1.0f - mean) * (float)n_rows / total, mean};
}

/* Those of a unit. */
static void load_weights(struct row_weights of, const uint32_t *rows, float *weights)
{
  for (uint32_t r = 0; r < GROUP_SIZE; r++) {
    weights[r] = of.scores == NULL ? 1.0f : of.scores[rows[r]] * of.factor + of.mean;
  }
}

/* One item: CHANNELS channels of the rows of one list of a KV head, in their order; no rows, nothing. */
static void ordered_coding_losses__f16t16__list_mean_q42r64t16(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  float x[GROUP_SIZE], weights[GROUP_SIZE];
  for (uint32_t item = first; item < last; item++) {
    const uint32_t list = item / (HEAD_DIM / CHANNELS);
    const uint32_t first_channel = item % (HEAD_DIM / CHANNELS) * CHANNELS;
    const uint32_t n_rows = args->due_counts[list];
    if (n_rows == 0) continue;

    const uint32_t kv_head = list / args->n_key_lists;
    uint32_t first_row = 0, n_due = 0; /* rows of the lists before this one, and of all */
    for (uint32_t i = kv_head * args->n_key_lists; i < (kv_head + 1) * args->n_key_lists; i++) {
      if (i < list) first_row += args->due_counts[i];
      n_due += args->due_counts[i];
    }
    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + kv_head;
    const uint32_t *pages = args->pages + place * args->page_entries + args->key_page;
    const uint32_t *order = args->order + (size_t)kv_head * args->max_rows;
    /* A list that is alone needs no share of the mean: its rows with a score are enough. */
    const float mean_share = n_rows < n_due ? args->mean_share : 0.0f;
    const struct row_weights rows = row_weights_of(args, kv_head, order, n_due, mean_share);
    order += first_row;

    for (uint32_t channel = first_channel; channel < first_channel + CHANNELS; channel++) {
      float total = 0.0f;
      for (uint32_t row = 0; row < n_rows; row += GROUP_SIZE) {
        load_unit(args->arena, pages, order + row, channel, x);
        f32x16 lanes = kerf_splat16(0.0f);
        for (uint32_t r = 0; r < GROUP_SIZE; r += 16) lanes += kerf_load16(&x[r]);
        total += kerf_sum16(lanes);
      }
      const float mean = kerf_f16_to_f32(kerf_f32_to_f16(total / (float)n_rows));

      float none = 0.0f, low = 0.0f, high = 0.0f;
      for (uint32_t row = 0; row < n_rows; row += GROUP_SIZE) {
        load_unit(args->arena, pages, order + row, channel, x);
        load_weights(rows, order + row, weights);
        f32x16 lanes = kerf_splat16(0.0f);
        for (uint32_t r = 0; r < GROUP_SIZE; r += 16) {
          const f32x16 off = kerf_load16(&x[r]) - mean;
          lanes = kerf_fma16(off * kerf_load16(&weights[r]), off, lanes);
        }
        none += kerf_sum16(lanes);
        low += kerf_coding_loss(x, weights, GROUP_SIZE, LOW_BITS);
        high += kerf_coding_loss(x, weights, GROUP_SIZE, HIGH_BITS);
      }
      const size_t at = (size_t)list * HEAD_DIM + channel;
      args->means[at] = mean;
      args->losses[3 * at] = none / (float)n_due;
      args->losses[3 * at + 1] = low / (float)n_due;
      args->losses[3 * at + 2] = high / (float)n_due;
    }
  }
}

KERF_EXPORT uint64_t ordered_coding_losses__f16t16__list_mean_q42r64t16_address(void);
uint64_t ordered_coding_losses__f16t16__list_mean_q42r64t16_address(void)
{
  return (uint64_t)(uintptr_t)ordered_coding_losses__f16t16__list_mean_q42r64t16;
}
