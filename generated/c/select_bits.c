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
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  const float *losses; /* f32 [nKvHeads, nKeyLists, headDim, 3] */
  const float *means; /* f32 [nKvHeads, nKeyLists, headDim] */
  const uint32_t *due_counts; /* u32 [nKvHeads, nKeyLists] */
  uint32_t *channels; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  float *fills; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  uint32_t *class_counts; /* u32 [nKvHeads, nKeyLists, 2] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t n_key_lists; /* lists of a head, at most two */
  uint32_t low_price; /* bits of a group of a low channel, its scale included */
  uint32_t high_price; /* the same of a high one */
  uint32_t shares; /* the heads of the layer choose together */
  uint32_t budget; /* bits of a group of all channels that are chosen together */
  uint32_t first_parts; /* of 256 parts of a head's rows its first list's */
};
_Static_assert(offsetof(struct args, scores) == 0, "scores");
_Static_assert(offsetof(struct args, losses) == 8, "losses");
_Static_assert(offsetof(struct args, means) == 16, "means");
_Static_assert(offsetof(struct args, due_counts) == 24, "due_counts");
_Static_assert(offsetof(struct args, channels) == 32, "channels");
_Static_assert(offsetof(struct args, fills) == 40, "fills");
_Static_assert(offsetof(struct args, class_counts) == 48, "class_counts");
_Static_assert(offsetof(struct args, slot) == 56, "slot");
_Static_assert(offsetof(struct args, layer) == 60, "layer");
_Static_assert(offsetof(struct args, n_layers) == 64, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 68, "n_kv_heads");
_Static_assert(offsetof(struct args, n_key_lists) == 72, "n_key_lists");
_Static_assert(offsetof(struct args, low_price) == 76, "low_price");
_Static_assert(offsetof(struct args, high_price) == 80, "high_price");
_Static_assert(offsetof(struct args, shares) == 84, "shares");
_Static_assert(offsetof(struct args, budget) == 88, "budget");
_Static_assert(offsetof(struct args, first_parts) == 92, "first_parts");

enum { PARTS = 256 }; /* that a head's rows are counted in where they have two lists */

/* A channel's steps to more bits, best first: what each wins per bit, and its bits. */
struct upgrades {
  float rate[2];
  uint32_t price[2];
};

/* The first list of a head that has rows to be coded, or n_key_lists. */
static uint32_t first_due(const struct args *args, uint32_t kv_head)
{
  uint32_t i = 0;
  while (i < args->n_key_lists && args->due_counts[kv_head * args->n_key_lists + i] == 0) i++;
  return i;
}

/* Of a head's rows the parts by which the bits of a list are priced: all, where no other list has any. */
static uint32_t parts_of(const struct args *args, uint32_t list)
{
  const uint32_t index = list % args->n_key_lists;
  const bool is_alone = args->n_key_lists == 1
      || args->due_counts[index == 0 ? list + 1 : list - 1] == 0;
  return is_alone ? PARTS : index == 0 ? args->first_parts : PARTS - args->first_parts;
}

/*
 * Along the lower convex hull of what the classes of a list's channel cost: to the low class, then to the high
 * one; or, where the low one lies above the line between the others, to the high one at once.
 */
static struct upgrades upgrades_of(const struct args *args, const float *weights, uint32_t list,
    uint32_t channel)
{
  const float weight = weights[list / args->n_key_lists * HEAD_DIM + channel];
  const float *losses = args->losses + 3 * ((size_t)list * HEAD_DIM + channel);
  const uint32_t parts = parts_of(args, list);
  const uint32_t low_price = parts * args->low_price, high_price = parts * args->high_price;
  const float to_low = weight * (losses[0] - losses[1]) / (float)low_price;
  const float onward = weight * (losses[1] - losses[2]) / (float)(high_price - low_price);
  if (to_low >= onward)
    return (struct upgrades){ {to_low, onward}, {low_price, high_price - low_price} };
  return (struct upgrades){ {weight * (losses[0] - losses[2]) / (float)high_price, 0.0f},
      {high_price, 0} };
}

/* Puts the channels of one class behind the n that are listed; returns how many there are then. */
static uint32_t list_class(const uint32_t *classes, uint32_t class, uint32_t *channels, uint32_t n)
{
  for (uint32_t c = 0; c < HEAD_DIM; c++) {
    if (classes[c] == class) channels[n++] = c;
  }
  return n;
}

/*
 * One item: one list of a KV head; a list without rows takes the choice of the other. An upgrade is taken where all
 * that win more per bit and itself fit in the budget.
 */
static void select_bits(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
  const float *weights = args->scores + layer * args->n_kv_heads * HEAD_DIM;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item / args->n_key_lists, due = first_due(args, kv_head);
    if (due == args->n_key_lists) continue;

    const uint32_t list = args->due_counts[item] > 0 ? item : kv_head * args->n_key_lists + due;
    const uint32_t list_start = list * HEAD_DIM;
    struct upgrades own[HEAD_DIM];
    uint32_t spent[HEAD_DIM][2] = { {0} };
    for (uint32_t c = 0; c < HEAD_DIM; c++) own[c] = upgrades_of(args, weights, list, c);

    const uint32_t rivals = args->shares != 0 ? 0 : kv_head * args->n_key_lists * HEAD_DIM;
    const uint32_t n_rivals = (args->shares != 0 ? args->n_kv_heads : 1) * args->n_key_lists
        * HEAD_DIM;
    for (uint32_t other = rivals; other < rivals + n_rivals; other++) {
      if (args->due_counts[other / HEAD_DIM] == 0) continue;

      const struct upgrades theirs = upgrades_of(args, weights, other / HEAD_DIM, other % HEAD_DIM);
      for (uint32_t c = 0; c < HEAD_DIM; c++) {
        for (uint32_t step = 0; step < 2; step++) {
          const float rate = own[c].rate[step];
          for (uint32_t i = 0; i < 2; i++) {
            /* Equal ones in the order of channels, and of a channel's steps. */
            const bool is_before = 2 * other + i <= 2 * (list_start + c) + step;
            if (theirs.rate[i] > rate || (theirs.rate[i] == rate && is_before))
              spent[c][step] += theirs.price[i];
          }
        }
      }
    }

    uint32_t classes[HEAD_DIM];
    for (uint32_t c = 0; c < HEAD_DIM; c++) {
      classes[c] = 0;
      for (uint32_t step = 0; step < 2; step++) {
        if (!(own[c].rate[step] > 0.0f) || spent[c][step] > PARTS * args->budget) continue;
        classes[c] = own[c].price[1] == 0 ? 2 : step + 1;
      }
    }

    const size_t place = (layer * args->n_kv_heads * args->n_key_lists + item) * HEAD_DIM;
    uint32_t *channels = args->channels + place;
    const uint32_t n_high = list_class(classes, 2, channels, 0);
    const uint32_t n_stored = list_class(classes, 1, channels, n_high);
    list_class(classes, 0, channels, n_stored);
    for (uint32_t c = 0; c < HEAD_DIM; c++) {
      args->fills[place + c] = c < n_stored ? 0.0f : args->means[list_start + channels[c]];
    }
    args->class_counts[2 * item] = n_stored;
    args->class_counts[2 * item + 1] = n_high;
  }
}

KERF_EXPORT uint64_t select_bits_address(void);
uint64_t select_bits_address(void)
{
  return (uint64_t)(uintptr_t)select_bits;
}
