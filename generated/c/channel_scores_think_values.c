/*
 * ThinK for values: drops the value channels that the last queries get least out of. A channel's share of
 * attention's output is softmax(q·kᵀ/√headDim)·v_j over those queries; its square, averaged over the group's
 * heads, ranks as the norm of all of them. Missing channels read as zero. Costs one attention of the window
 * over the prompt. Hurts more than dropping keys: 0.5 costs 1.7 times think's divergence at 0.5.
 * Scores of every value channel of one layer's KV heads; higher keeps.
 *
 * Generated from kernels/prune/think_values.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif
#ifndef GROUP
#error "compile with -DGROUP=N"
#endif

struct args {
  const float *outputs; /* f32 [nHeads, n_window, headDim] */
  float *scores; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t n_window; /* queries of the window */
};
_Static_assert(offsetof(struct args, outputs) == 0, "outputs");
_Static_assert(offsetof(struct args, scores) == 8, "scores");
_Static_assert(offsetof(struct args, slot) == 16, "slot");
_Static_assert(offsetof(struct args, layer) == 20, "layer");
_Static_assert(offsetof(struct args, n_layers) == 24, "n_layers");
_Static_assert(offsetof(struct args, n_kv_heads) == 28, "n_kv_heads");
_Static_assert(offsetof(struct args, n_window) == 32, "n_window");

#include "kerf_native.h"

_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* One item: one KV head. Sixteen channels at a time, in the lanes. */
static void channel_scores_think_values(const struct args *restrict args, uint32_t first,
    uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const size_t place = ((size_t)args->slot * args->n_layers + args->layer) * args->n_kv_heads
        + item;
    const float query_count = (float)args->n_window;

    for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
      f32x16 total = kerf_splat16(0.0f);
      for (uint32_t g = 0; g < GROUP; g++) {
        f32x16 mean_square_q_lanes = kerf_splat16(0.0f);
        const float *outputs = args->outputs
            + ((size_t)item * GROUP + g) * args->n_window * HEAD_DIM + c;
        for (uint32_t query = 0; query < args->n_window; query++) {
          const f32x16 x = kerf_load16(outputs + (size_t)query * HEAD_DIM);

          mean_square_q_lanes = mean_square_q_lanes + x * x;
        }
#line 41 "src/dsl/reductions.ts"
        const f32x16 mean_square_q = mean_square_q_lanes / query_count;

#line 64 "generated/c/channel_scores_think_values.c"
        total = total + mean_square_q;
      }
      kerf_store16(&args->scores[place * HEAD_DIM + c], total / (float)GROUP);
    }
  }
}

KERF_EXPORT uint64_t channel_scores_think_values_address(void);
uint64_t channel_scores_think_values_address(void)
{
  return (uint64_t)(uintptr_t)channel_scores_think_values;
}
