/*
 * One score for every row that may be evicted: neighbours meet in each of `n_sources` heads, then the heads
 * do. Protected rows are no neighbours, and their scores are not written.
 *
 * Generated from kernels/ops/pool_scores.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *row_scores; /* f32 [nSources, max_rows] */
  const uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  float *token_scores; /* f32 [nKvHeads, max_rows] */
  uint32_t layer;
  uint32_t n_kv_heads;
  uint32_t n_sources; /* heads of row_scores that meet */
  uint32_t source_step; /* from the first one of a KV head to the next KV head's */
  uint32_t takes_max; /* heads meet in their largest, else in their mean */
  uint32_t pools_max; /* neighbours meet in their largest, else in their mean */
  uint32_t pool_width; /* rows that meet, odd */
  uint32_t protect_first;
  uint32_t protect_last;
  uint32_t max_rows; /* rows of the longest head */
};
_Static_assert(offsetof(struct args, row_scores) == 0, "row_scores");
_Static_assert(offsetof(struct args, cuts) == 8, "cuts");
_Static_assert(offsetof(struct args, token_scores) == 16, "token_scores");
_Static_assert(offsetof(struct args, layer) == 24, "layer");
_Static_assert(offsetof(struct args, n_kv_heads) == 28, "n_kv_heads");
_Static_assert(offsetof(struct args, n_sources) == 32, "n_sources");
_Static_assert(offsetof(struct args, source_step) == 36, "source_step");
_Static_assert(offsetof(struct args, takes_max) == 40, "takes_max");
_Static_assert(offsetof(struct args, pools_max) == 44, "pools_max");
_Static_assert(offsetof(struct args, pool_width) == 48, "pool_width");
_Static_assert(offsetof(struct args, protect_first) == 52, "protect_first");
_Static_assert(offsetof(struct args, protect_last) == 56, "protect_last");
_Static_assert(offsetof(struct args, max_rows) == 60, "max_rows");

enum { ROWS = 256 }; /* of one item */

/* Rows first … end − 1 of one head met: their largest, or their sum over `divisor`. */
static float meet(const float *scores, uint32_t first, uint32_t end, bool takes_max, float divisor)
{
  float total = scores[first];
  for (uint32_t row = first + 1; row < end; row++) {
    total = takes_max ? kerf_max(total, scores[row]) : total + scores[row];
  }
  return takes_max ? total : total / divisor;
}

/* One item: ROWS rows of one KV head. */
static void pool_scores(const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t n_blocks = (args->max_rows + ROWS - 1) / ROWS;
  const uint32_t reach = args->pool_width / 2;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item / n_blocks, block = item % n_blocks * ROWS;
    const uint32_t n_rows = args->cuts[4 * ((size_t)args->layer * args->n_kv_heads + kv_head) + 1];
    if (n_rows <= args->protect_first + args->protect_last) continue;

    const uint32_t begin = args->protect_first, end = n_rows - args->protect_last;
    const float *sources = args->row_scores + (size_t)kv_head * args->source_step * args->max_rows;
    for (uint32_t row = block > begin ? block : begin; row < end && row < block + ROWS; row++) {
      const uint32_t from = row - begin > reach ? row - reach : begin;
      const uint32_t to = end - row > reach ? row + reach + 1 : end;
      float total = 0.0f;
      for (uint32_t i = 0; i < args->n_sources; i++) {
        const float pooled = meet(
          sources + (size_t)i * args->max_rows, from, to, args->pools_max != 0,
              (float)args->pool_width);
        total = i == 0 ? pooled : args->takes_max ? kerf_max(total, pooled) : total + pooled;
      }
      args->token_scores[(size_t)kv_head * args->max_rows + row] =
      args->takes_max ? total : total / (float)args->n_sources;
    }
  }
}

KERF_EXPORT uint64_t pool_scores_address(void);
uint64_t pool_scores_address(void)
{
  return (uint64_t)(uintptr_t)pool_scores;
}
