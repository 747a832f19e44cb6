/*
 * Chooses the bits of every channel of a layer: the classes whose costs, `scores` times `losses`, sum to the
 * least within the budget, of all heads of `due_counts` together or of each by itself; a head without any is left
 * alone. Where a head has two lists of rows, a bit of either costs by the share of the rows; a list without rows
 * gets the other's choice. Channels go up along the lower convex hull of their costs by what a bit wins, equal
 * ones in the order of heads, lists and channels, while the budget holds. A list has the channels of the high
 * class, then of the low one, then those without bits, each ascending; these read as their means.
 *
 * Generated from kernels/ops/select_bits.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  const float *losses; /* f32 [nKvHeads, nKeyLists, headDim, 3] */
  const float *means; /* f32 [nKvHeads, nKeyLists, headDim] */
  const u32 *due_counts; /* u32 [nKvHeads, nKeyLists] */
  u32 *channels; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  float *fills; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  u32 *class_counts; /* u32 [nKvHeads, nKeyLists, 2] */
  u32 slot;
  u32 layer;
  u32 n_layers;
  u32 n_kv_heads;
  u32 n_key_lists; /* lists of a head, at most two */
  u32 low_price; /* bits of a group of a low channel, its scale included */
  u32 high_price; /* the same of a high one */
  u32 shares; /* the heads of the layer choose together */
  u32 budget; /* bits of a group of all channels that are chosen together */
  u32 first_parts; /* of 256 parts of a head's rows its first list's */
};
KERF_AT(scores, 0);
KERF_AT(losses, 8);
KERF_AT(means, 16);
KERF_AT(due_counts, 24);
KERF_AT(channels, 32);
KERF_AT(fills, 40);
KERF_AT(class_counts, 48);
KERF_AT(slot, 56);
KERF_AT(layer, 60);
KERF_AT(n_layers, 64);
KERF_AT(n_kv_heads, 68);
KERF_AT(n_key_lists, 72);
KERF_AT(low_price, 76);
KERF_AT(high_price, 80);
KERF_AT(shares, 84);
KERF_AT(budget, 88);
KERF_AT(first_parts, 92);

static constexpr u32 THREADS = 128; /* of a block */

static constexpr u32 PARTS = 256; /* that a head's rows are counted in where they have two lists */

/* A channel's steps to more bits, best first: what each wins per bit, and its bits. */
struct upgrades {
  float rate[2];
  u32 price[2];
};

/* The first list of a head that has rows to be coded, or n_key_lists. */
KERF_INLINE u32 first_due(const struct args &args, u32 kv_head)
{
  u32 i = 0;
  while (i < args.n_key_lists && args.due_counts[kv_head * args.n_key_lists + i] == 0) i++;
  return i;
}

/* Of a head's rows the parts by which the bits of a list are priced: all, where no other list has any. */
KERF_INLINE u32 parts_of(const struct args &args, u32 list)
{
  const u32 index = list % args.n_key_lists;
  const bool is_alone = args.n_key_lists == 1
      || args.due_counts[index == 0 ? list + 1 : list - 1] == 0;
  return is_alone ? PARTS : index == 0 ? args.first_parts : PARTS - args.first_parts;
}

/*
 * Along the lower convex hull of what the classes of a channel cost, which counts through all lists: to the low
 * class, then to the high one; or, where the low one lies above the line between the others, to the high one at
 * once.
 */
KERF_INLINE upgrades upgrades_of(const struct args &args, const float *weights, u32 channel)
{
  const u32 list = channel / HEAD_DIM, parts = parts_of(args, list);
  const float weight = weights[list / args.n_key_lists * HEAD_DIM + channel % HEAD_DIM];
  const float *losses = args.losses + 3 * (u64)channel;
  const u32 low_price = parts * args.low_price, high_price = parts * args.high_price;
  const float to_low = weight * (losses[0] - losses[1]) / (float)low_price;
  const float onward = weight * (losses[1] - losses[2]) / (float)(high_price - low_price);
  if (to_low >= onward) return {{to_low, onward}, {low_price, high_price - low_price}};
  return {{weight * (losses[0] - losses[2]) / (float)high_price, 0.0f}, {high_price, 0}};
}

/* The class of a channel: a step is taken where all that win more per bit and itself fit in the budget. */
KERF_INLINE u32 class_of(const struct args &args, const float *weights, u32 channel)
{
  const upgrades own = upgrades_of(args, weights, channel);
  u32 spent[2] = {};
  const u32 per_head = args.n_key_lists * HEAD_DIM;
  const u32 rivals = args.shares != 0 ? 0 : channel / per_head * per_head;
  const u32 n_rivals = args.shares != 0 ? args.n_kv_heads * per_head : per_head;
  for (u32 other = rivals; other < rivals + n_rivals; other++) {
    if (args.due_counts[other / HEAD_DIM] == 0) continue;

    const upgrades theirs = upgrades_of(args, weights, other);
    KERF_UNROLL for (u32 step = 0; step < 2; step++) {
      KERF_UNROLL for (u32 i = 0; i < 2; i++) {
        /* Equal ones in the order of channels, and of a channel's steps. */
        const bool is_before = 2 * other + i <= 2 * channel + step;
        const bool comes_first = theirs.rate[i] > own.rate[step]
            || (theirs.rate[i] == own.rate[step] && is_before);
        spent[step] += comes_first ? theirs.price[i] : 0;
      }
    }
  }
  u32 taken = 0;
  KERF_UNROLL for (u32 step = 0; step < 2; step++) {
    if (!(own.rate[step] > 0.0f) || spent[step] > PARTS * args.budget) continue;
    taken = own.price[1] == 0 ? 2 : step + 1;
  }
  return taken;
}

/* One block: one list of a KV head at a time, a channel a thread; a list without rows takes the choice of the other. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
select_bits(const __grid_constant__ struct args args)
{
  __shared__ u32 classes[HEAD_DIM];
  const u64 layer = (u64)args.slot * args.n_layers + args.layer;
  const float *weights = args.scores + layer * args.n_kv_heads * HEAD_DIM;
  const u32 n_items = args.n_kv_heads * args.n_key_lists;

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / args.n_key_lists, due = first_due(args, kv_head);
    if (due == args.n_key_lists) continue;

    const u32 list = args.due_counts[item] > 0 ? item : kv_head * args.n_key_lists + due;
    const u32 list_start = list * HEAD_DIM;
    const u64 place = (layer * args.n_kv_heads * args.n_key_lists + item) * HEAD_DIM;
    for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS)
      classes[c] = class_of(args, weights, list_start + c);
    kerf_sync_threads();
    u32 n_high = 0, n_stored = 0;
    for (u32 c = 0; c < HEAD_DIM; c++) {
      n_high += classes[c] == 2;
      n_stored += classes[c] > 0;
    }
    for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) {
      /* Higher classes come first, each ascending. */
      u32 at = 0;
      for (u32 other = 0; other < HEAD_DIM; other++) {
        at += classes[other] > classes[c] || (classes[other] == classes[c] && other < c);
      }
      args.channels[place + at] = c;
      args.fills[place + at] = at < n_stored ? 0.0f : args.means[list_start + c];
    }
    if (kerf_thread() == 0) {
      args.class_counts[2 * item] = n_stored;
      args.class_counts[2 * item + 1] = n_high;
    }
    kerf_sync_threads();
  }
}
