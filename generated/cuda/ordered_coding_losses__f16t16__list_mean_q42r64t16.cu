/*
 * What the keys of a layer lose at each choice of bits, by channel, where rows come in the order of their
 * classes, those of each list by themselves: groups are those that will be stored, and errors may count by the
 * rows' scores and, where both lists have rows, a share of these' mean. Otherwise coding_losses.
 *
 * Generated from kernels/ops/ordered_coding_losses.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *order; /* u32 [nKvHeads, max_rows] */
  const float *token_scores; /* f32 [nKvHeads, max_rows] */
  const u32 *due_counts; /* u32 [nKvHeads, nKeyLists] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *losses; /* f32 [nKvHeads, nKeyLists, headDim, 3] */
  float *means; /* f32 [nKvHeads, nKeyLists, headDim] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 page_entries; /* entries of a head in pages */
  u32 key_page; /* first page entry of the last segment of keys */
  u32 n_channels; /* headDim */
  u32 n_key_lists; /* lists of a head */
  u32 max_rows; /* rows of the longest order */
  u32 weighs_rows; /* 1: a row's errors count as its score */
  float mean_share; /* of the scores' mean in what each row counts, where two lists have rows */
};
KERF_AT(pages, 0);
KERF_AT(order, 8);
KERF_AT(token_scores, 16);
KERF_AT(due_counts, 24);
KERF_AT(arena, 32);
KERF_AT(losses, 40);
KERF_AT(means, 48);
KERF_AT(slot, 56);
KERF_AT(layer, 60);
KERF_AT(n_layers, 64);
KERF_AT(n_kv_heads, 68);
KERF_AT(page_entries, 72);
KERF_AT(key_page, 76);
KERF_AT(n_channels, 80);
KERF_AT(n_key_lists, 84);
KERF_AT(max_rows, 88);
KERF_AT(weighs_rows, 92);
KERF_AT(mean_share, 96);

static constexpr u32 THREADS = 256; /* of a block */

#include "kerf_codes.h"

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 TILE = 16; /* rows of a tile of keys */
static constexpr u32 CHANNELS = 16; /* of one item */
static constexpr u32 LANES = THREADS / CHANNELS; /* threads that share a channel */
static constexpr u32 HIGH_BITS = 4;
static constexpr u32 LOW_BITS = 2;
static constexpr u32 GROUP_SIZE = 64; /* rows that share a scale and a minimum */
static constexpr u32 VALUES = GROUP_SIZE / LANES; /* of a group that are a thread's */
static_assert(HEAD_DIM % CHANNELS == 0, "HEAD_DIM is a multiple of 16");
static_assert(LANES == 16, "sums are made as on the CPU, whose vectors have as many lanes");

/* The sum of what a channel's threads have, in a fixed tree. */
KERF_INLINE float sum_lanes(float x)
{
  KERF_UNROLL for (u32 half = LANES / 2; half > 0; half /= 2) x = x + kerf_shuffle_xor(x, half);
  return x;
}

/* The thread's values of one channel in the unit of rows that begins with rows[0]. */
KERF_INLINE void load_unit(
  const u8 *arena, const u32 *pages, const u32 *rows, u32 channel, float *x)
{
  KERF_UNROLL for (u32 i = 0; i < VALUES; i++) {
    const u32 own = i * LANES + kerf_thread() % LANES;
    const u32 row = rows[own], in_page = row % PAGE_ROWS;
    const kerf_f16 *page = (const kerf_f16 *)(arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
    x[i] = kerf_load_f16(page + in_page / TILE * TILE * HEAD_DIM + channel * TILE + in_page % TILE);
  }
}

/* How much the rows of a head count: their scores by a factor and a share of these' mean; no scores: all alike. */
struct row_weights {
  const float *scores;
  float factor, mean;
};

/* Those of the thread's rows of a unit. */
KERF_INLINE void load_weights(row_weights of, const u32 *rows, float *weights)
{
  KERF_UNROLL for (u32 i = 0; i < VALUES; i++) {
    weights[i] = of.scores == 0 ? 1.0f
        : of.scores[rows[i * LANES + kerf_thread() % LANES]] * of.factor + of.mean;
  }
}

KERF_INLINE row_weights row_weights_of(
  const struct args &args, u32 kv_head, const u32 *order, u32 n_rows, float mean)
{
  const float *scores = args.token_scores + (u64)kv_head * args.max_rows;
  float total = 0.0f;
  for (u32 row = kerf_thread() % LANES; row < n_rows; row += LANES) {
    total = total + scores[order[row]];
  }
  total = sum_lanes(total);
  if (args.weighs_rows == 0 || !(total > 0.0f)) return {0, 0.0f, 0.0f};
  return {scores, (1.0f - mean) * (float)n_rows / total, mean};
}

/* What the values of a unit lose as codes: the sum of the squares of what is off, by weight. */
KERF_INLINE float coding_loss(
  const float *x, const float *weights, float smallest, float largest, const u32 bits)
{
  const kerf_group group = kerf_group_of(kerf_group_word(smallest, largest, bits));
  float sum = 0.0f;
  KERF_UNROLL for (u32 i = 0; i < VALUES; i++) {
    const float code = kerf_code_to_f32(kerf_code_of(x[i], group, bits));
    const float off = x[i] - kerf_fma(group.scale, code, group.minimum);
    sum = kerf_fma(off * weights[i], off, sum);
  }
  return sum_lanes(sum);
}

/* One block: CHANNELS channels of the rows of one list of a KV head, in their order, at a time; no rows, nothing. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
ordered_coding_losses__f16t16__list_mean_q42r64t16(const __grid_constant__ struct args args)
{
  const u32 n_items = args.n_kv_heads * args.n_key_lists * (HEAD_DIM / CHANNELS);

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 list = item / (HEAD_DIM / CHANNELS);
    const u32 n_rows = args.due_counts[list];
    if (n_rows == 0) continue;

    const u32 kv_head = list / args.n_key_lists;
    u32 first_row = 0, n_due = 0; /* rows of the lists before this one, and of all */
    for (u32 i = kv_head * args.n_key_lists; i < (kv_head + 1) * args.n_key_lists; i++) {
      if (i < list) first_row += args.due_counts[i];
      n_due += args.due_counts[i];
    }
    const u32 channel = item % (HEAD_DIM / CHANNELS) * CHANNELS + kerf_thread() / LANES;
    const u64 place = ((u64)args.slot * args.n_layers + args.layer) * args.n_kv_heads + kv_head;
    const u32 *pages = args.pages + place * args.page_entries + args.key_page;
    float x[VALUES], weights[VALUES];
    const u32 *order = args.order + (u64)kv_head * args.max_rows;
    /* A list that is alone needs no share of the mean: its rows with a score are enough. */
    const float mean_share = n_rows < n_due ? args.mean_share : 0.0f;
    const row_weights rows = row_weights_of(args, kv_head, order, n_due, mean_share);
    order += first_row;

    float total = 0.0f;
    for (u32 row = 0; row < n_rows; row += GROUP_SIZE) {
      load_unit(args.arena, pages, order + row, channel, x);
      float sum = 0.0f;
      KERF_UNROLL for (u32 i = 0; i < VALUES; i++) sum = sum + x[i];
      total = total + sum_lanes(sum);
    }
    const float mean = kerf_f16_to_f32(kerf_f32_to_f16(total / (float)n_rows));

    float none = 0.0f, low = 0.0f, high = 0.0f;
    for (u32 row = 0; row < n_rows; row += GROUP_SIZE) {
      load_unit(args.arena, pages, order + row, channel, x);
      load_weights(rows, order + row, weights);
      float sum = 0.0f, smallest = x[0], largest = x[0];
      KERF_UNROLL for (u32 i = 0; i < VALUES; i++) {
        const float off = x[i] - mean;
        sum = kerf_fma(off * weights[i], off, sum);
        smallest = kerf_min(smallest, x[i]);
        largest = kerf_max(largest, x[i]);
      }
      KERF_UNROLL for (u32 half = LANES / 2; half > 0; half /= 2) {
        smallest = kerf_min(smallest, kerf_shuffle_xor(smallest, half));
        largest = kerf_max(largest, kerf_shuffle_xor(largest, half));
      }
      none = none + sum_lanes(sum);
      low = low + coding_loss(x, weights, smallest, largest, LOW_BITS);
      high = high + coding_loss(x, weights, smallest, largest, HIGH_BITS);
    }
    if (kerf_thread() % LANES == 0) {
      const u64 at = (u64)list * HEAD_DIM + channel;
      args.means[at] = mean;
      args.losses[3 * at] = none / (float)n_due;
      args.losses[3 * at + 1] = low / (float)n_due;
      args.losses[3 * at + 2] = high / (float)n_due;
    }
  }
}
