/*
 * Adds a step's queries, before they are rotated, to the moments of every head: the first one that counts,
 * the sum of all differences from it, the sum of their products. A sequence's first rows do not count.
 *
 * Generated from kernels/ops/query_moments.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const float *qkv; /* f32 [nRows, qkv_stride] */
  const uint32_t *seqs; /* u32 [nSeqs, 4] */
  float *moments; /* f32 [nSlots, nLayers, nHeads, headDim + 2, headDim] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t qkv_stride; /* elements between rows of qkv */
  uint32_t skip; /* first rows of a sequence that do not count */
};
_Static_assert(offsetof(struct args, qkv) == 0, "qkv");
_Static_assert(offsetof(struct args, seqs) == 8, "seqs");
_Static_assert(offsetof(struct args, moments) == 16, "moments");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, layer) == 32, "layer");
_Static_assert(offsetof(struct args, n_layers) == 36, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 40, "n_heads");
_Static_assert(offsetof(struct args, qkv_stride) == 44, "qkv_stride");
_Static_assert(offsetof(struct args, skip) == 48, "skip");

_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* The moments of one head. Differences from the first query keep their digits where the mean is large. */
struct moments {
  float first[HEAD_DIM], sums[HEAD_DIM], products[HEAD_DIM][HEAD_DIM];
};

/* Adds one query; each element is a sum of its own, in the order of the queries. */
static void add_query(struct moments *moments, const float *q)
{
  float far[HEAD_DIM];
  for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
    const f32x16 x = kerf_load16(&q[c]) - kerf_load16(&moments->first[c]);
    kerf_store16(&far[c], x);
    kerf_store16(&moments->sums[c], kerf_load16(&moments->sums[c]) + x);
  }
  for (uint32_t i = 0; i < HEAD_DIM; i++) {
    float *products = moments->products[i];
    const f32x16 x = kerf_splat16(far[i]);
    for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
      kerf_store16(&products[c], kerf_fma16(x, kerf_load16(&far[c]), kerf_load16(&products[c])));
    }
  }
}

/* One item: one query head of a sequence; the step's queries in order. */
static void query_moments(const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const uint32_t head = item % args->n_heads;
    const uint32_t *seq = args->seqs + 4 * (size_t)(item / args->n_heads);
    const size_t layer = (size_t)seq[3] * args->n_layers + args->layer;
    struct moments *moments = (struct moments *)args->moments + layer * args->n_heads + head;
    for (uint32_t i = 0; i < seq[0]; i++) {
      const uint32_t position = seq[2] + i;
      if (position < args->skip) continue;
      const float *q = args->qkv + (size_t)(seq[1] + i) * args->qkv_stride
          + (size_t)head * HEAD_DIM;
      if (position == args->skip) {
        memset(moments, 0, sizeof *moments);
        memcpy(moments->first, q, sizeof moments->first);
      }
      add_query(moments, q);
    }
  }
}

KERF_EXPORT uint64_t query_moments_address(void);
uint64_t query_moments_address(void)
{
  return (uint64_t)(uintptr_t)query_moments;
}
