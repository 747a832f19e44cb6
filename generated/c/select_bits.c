/*
 * Chooses the bits of every channel of a layer: the classes whose costs, `scores` times `losses`, sum to the
 * least within the budget, of all heads of `due_counts` together or of each by itself; a head without any is left
 * alone. Channels go up along the lower convex hull of their costs by what a bit wins, equal ones in the order of
 * heads and channels, while the budget holds. A head's list has the channels of the high class, then of the low
 * one, then those without bits, each ascending; these read as their means.
 *
 * Generated from kernels/ops/select_bits.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  const float *losses; /* f32 [nKvHeads, headDim, 3] */
  const float *means; /* f32 [nKvHeads, headDim] */
  const uint32_t *due_counts; /* u32 [nKvHeads] */
  uint32_t *channels; /* u32 [nSlots, nLayers, nKvHeads, headDim] */
  float *fills; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  uint32_t *class_counts; /* u32 [nKvHeads, 2] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t low_price; /* bits of a group of a low channel, its scale included */
  uint32_t high_price; /* the same of a high one */
  uint32_t shares; /* the heads of the layer choose together */
  uint32_t budget; /* bits of a group of all channels that are chosen together */
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
_Static_assert(offsetof(struct args, low_price) == 72, "low_price");
_Static_assert(offsetof(struct args, high_price) == 76, "high_price");
_Static_assert(offsetof(struct args, shares) == 80, "shares");
_Static_assert(offsetof(struct args, budget) == 84, "budget");

/* A channel's steps to more bits, best first: what each wins per bit, and its bits. */
struct upgrades {
  float rate[2];
  uint32_t price[2];
};

/*
 * Along the lower convex hull of what its classes cost: to the low class, then to the high one; or, where the
 * low one lies above the line between the others, to the high one at once.
 */
static struct upgrades upgrades_of(const struct args *args, const float *weights, uint32_t channel)
{
  const float weight = weights[channel];
  const float *losses = args->losses + 3 * (size_t)channel;
  const uint32_t low_price = args->low_price, high_price = args->high_price;
  const float to_low = weight * (losses[0] - losses[1]) / (float)low_price;
  const float onward = weight * (losses[1] - losses[2]) / (float)(high_price - low_price);
  if (to_low >= onward) return (struct upgrades){ {to_low, onward},
      {low_price, high_price - low_price} };
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

/* One item: one KV head. An upgrade is taken where all that win more per bit and itself fit in the budget. */
static void select_bits(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
  const float *weights = args->scores + layer * args->n_kv_heads * HEAD_DIM;

  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    if (args->due_counts[kv_head] == 0) continue;

    const uint32_t head_start = kv_head * HEAD_DIM;
    struct upgrades own[HEAD_DIM];
    uint32_t spent[HEAD_DIM][2] = { {0} };
    for (uint32_t c = 0; c < HEAD_DIM; c++) own[c] = upgrades_of(args, weights, head_start + c);

    const uint32_t rivals = args->shares != 0 ? 0 : head_start;
    const uint32_t rivals_end = args->shares != 0 ? args->n_kv_heads * HEAD_DIM
        : head_start + HEAD_DIM;
    for (uint32_t other = rivals; other < rivals_end; other++) {
      if (args->due_counts[other / HEAD_DIM] == 0) continue;

      const struct upgrades theirs = upgrades_of(args, weights, other);
      for (uint32_t c = 0; c < HEAD_DIM; c++) {
        for (uint32_t step = 0; step < 2; step++) {
          const float rate = own[c].rate[step];
          for (uint32_t i = 0; i < 2; i++) {
            /* Equal ones in the order of channels, and of a channel's steps. */
            const bool is_before = 2 * other + i <= 2 * (head_start + c) + step;
            if (theirs.rate[i] > rate
                || (theirs.rate[i] == rate && is_before)) spent[c][step] += theirs.price[i];
          }
        }
      }
    }

    uint32_t classes[HEAD_DIM];
    for (uint32_t c = 0; c < HEAD_DIM; c++) {
      classes[c] = 0;
      for (uint32_t step = 0; step < 2; step++) {
        if (!(own[c].rate[step] > 0.0f) || spent[c][step] > args->budget) continue;
        classes[c] = own[c].price[0] == args->high_price ? 2 : step + 1;
      }
    }

    const size_t place = (layer * args->n_kv_heads + kv_head) * HEAD_DIM;
    uint32_t *channels = args->channels + place;
    const uint32_t n_high = list_class(classes, 2, channels, 0);
    const uint32_t n_stored = list_class(classes, 1, channels, n_high);
    list_class(classes, 0, channels, n_stored);
    for (uint32_t c = 0; c < HEAD_DIM; c++) {
      args->fills[place + c] = c < n_stored ? 0.0f : args->means[head_start + channels[c]];
    }
    args->class_counts[2 * kv_head] = n_stored;
    args->class_counts[2 * kv_head + 1] = n_high;
  }
}

KERF_EXPORT uint64_t select_bits_address(void);
uint64_t select_bits_address(void)
{
  return (uint64_t)(uintptr_t)select_bits;
}
