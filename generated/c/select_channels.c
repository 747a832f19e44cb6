/*
 * Keeps the channels of the highest scores: `widths` of them per KV head, in ascending order; equal
 * scores keep the lower channel.
 *
 * Generated from kernels/ops/select_channels.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  const uint32_t *widths; /* u32 [nLayers, nKvHeads] */
  uint32_t *channels; /* u32 [nSlots, nLayers, nKvHeads, headDim] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
};
_Static_assert(offsetof(struct args, scores) == 0, "scores");
_Static_assert(offsetof(struct args, widths) == 8, "widths");
_Static_assert(offsetof(struct args, channels) == 16, "channels");
_Static_assert(offsetof(struct args, slot) == 24, "slot");
_Static_assert(offsetof(struct args, layer) == 28, "layer");
_Static_assert(offsetof(struct args, n_layers) == 32, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 36, "n_kv_heads");

/* One item: one KV head. */
static void select_channels(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const size_t layer = (size_t)args->slot * args->n_layers + args->layer;

  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    const float *scores = args->scores + (layer * args->n_kv_heads + kv_head) * HEAD_DIM;
    uint32_t *channels = args->channels + (layer * args->n_kv_heads + kv_head) * HEAD_DIM;
    const uint32_t width = args->widths[args->layer * args->n_kv_heads + kv_head];

    /* A score that is no number ranks below every other. */
    float score[HEAD_DIM];
    for (uint32_t c = 0; c < HEAD_DIM; c++) {
      score[c] = scores[c] == scores[c] ? scores[c] : -INFINITY;
    }
    uint32_t n_kept = 0;
    for (uint32_t c = 0; c < HEAD_DIM; c++) {
      /* Channels that come before c in the order of scores, equal ones by index. */
      uint32_t rank = 0;
      for (uint32_t other = 0; other < HEAD_DIM; other++) {
        rank += score[other] > score[c] || (score[other] == score[c] && other < c);
      }
      if (rank < width) channels[n_kept++] = c;
    }
  }
}

KERF_EXPORT uint64_t select_channels_address(void);
uint64_t select_channels_address(void)
{
  return (uint64_t)(uintptr_t)select_channels;
}
