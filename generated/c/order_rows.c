/*
 * An order of rows in two classes: those that were chosen, then the others, each ascending. `cuts` says how
 * many rows there are; the first ones, which are chosen whatever their score, are in neither class.
 *
 * Generated from kernels/ops/order_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const uint32_t *kept; /* u32 [nKvHeads, max_rows] */
  const uint32_t *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  const uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  uint32_t *order; /* u32 [nKvHeads, max_rows] */
  uint32_t layer;
  uint32_t n_kv_heads;
  uint32_t protect_first;
  uint32_t max_rows; /* rows of the longest order */
};
_Static_assert(offsetof(struct args, kept) == 0, "kept");
_Static_assert(offsetof(struct args, kept_counts) == 8, "kept_counts");
_Static_assert(offsetof(struct args, cuts) == 16, "cuts");
_Static_assert(offsetof(struct args, order) == 24, "order");
_Static_assert(offsetof(struct args, layer) == 32, "layer");
_Static_assert(offsetof(struct args, n_kv_heads) == 36, "n_kv_heads");
_Static_assert(offsetof(struct args, protect_first) == 40, "protect_first");
_Static_assert(offsetof(struct args, max_rows) == 44, "max_rows");

/* One item: one KV head. */
static void order_rows(const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    const size_t place = (size_t)args->layer * args->n_kv_heads + kv_head;
    const uint32_t n_rows = args->cuts[4 * place + 1], begin = args->protect_first;
    if (n_rows <= begin) continue;

    const uint32_t n_chosen = args->kept_counts[2 * place + 1] - begin;
    const uint32_t *chosen = args->kept + (size_t)kv_head * args->max_rows + begin;
    uint32_t *order = args->order + (size_t)kv_head * args->max_rows;
    uint32_t next = 0;
    for (uint32_t row = begin; row < n_rows; row++) {
      const bool is_chosen = next < n_chosen && chosen[next] == row;
      /* Of the rows before this one `next` were chosen. */
      order[is_chosen ? next : n_chosen + row - begin - next] = row;
      next += is_chosen;
    }
  }
}

KERF_EXPORT uint64_t order_rows_address(void);
uint64_t order_rows_address(void)
{
  return (uint64_t)(uintptr_t)order_rows;
}
