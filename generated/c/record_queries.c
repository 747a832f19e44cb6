/*
 * Keeps the last `window` rotated queries of every sequence in a ring: row p of the sequence goes to
 * place p mod window, so that scores at the end of prefill do not depend on how it was chunked.
 *
 * Generated from kernels/ops/record_queries.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const float *qkv; /* f32 [nRows, qkvStride] */
  const uint32_t *row_seq; /* u32 [nRows] */
  const uint32_t *seqs; /* u32 [nSeqs, 4] */
  float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t qkv_stride; /* elements between rows of qkv */
  uint32_t window; /* places of the ring */
};
_Static_assert(offsetof(struct args, qkv) == 0, "qkv");
_Static_assert(offsetof(struct args, row_seq) == 8, "row_seq");
_Static_assert(offsetof(struct args, seqs) == 16, "seqs");
_Static_assert(offsetof(struct args, q_ring) == 24, "q_ring");
_Static_assert(offsetof(struct args, step) == 32, "step");
_Static_assert(offsetof(struct args, layer) == 40, "layer");
_Static_assert(offsetof(struct args, n_layers) == 44, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 48, "n_heads");
_Static_assert(offsetof(struct args, qkv_stride) == 52, "qkv_stride");
_Static_assert(offsetof(struct args, window) == 56, "window");

/* One item: one row. */
static void record_queries(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t window = args->window;

  for (uint32_t row = first; row < last; row++) {
    const uint32_t *seq = args->seqs + 4 * (size_t)args->row_seq[row];
    const uint32_t n_query = seq[0], offset = row - seq[1], slot = seq[3];
    /* Of two rows of this step that share a place the later one stays, whoever runs first. */
    if (n_query - offset > window) continue;

    const uint32_t place = (seq[2] + offset) % window;
    const float *q = args->qkv + (size_t)row * args->qkv_stride;
    const size_t layer = (size_t)slot * args->n_layers + args->layer;
    for (uint32_t head = 0; head < args->n_heads; head++) {
      float *kept = args->q_ring + ((layer * args->n_heads + head) * window + place) * HEAD_DIM;
      memcpy(kept, q + (size_t)head * HEAD_DIM, HEAD_DIM * sizeof *q);
    }
  }
}

KERF_EXPORT uint64_t record_queries_address(void);
uint64_t record_queries_address(void)
{
  return (uint64_t)(uintptr_t)record_queries;
}
