/*
 * Leaves out the rows of a block that was chosen in part: the last one that the budget reached. A head that
 * has nothing else keeps them.
 *
 * Generated from kernels/ops/trim_blocks.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const uint32_t *block_starts; /* u32 [nKvHeads, max_rows] */
  const uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  uint32_t *kept; /* u32 [nKvHeads, max_rows] */
  uint32_t *kept_counts; /* u32 [nLayers, nKvHeads, 2] */
  uint32_t layer;
  uint32_t n_kv_heads;
  uint32_t protect_first;
  uint32_t protect_last;
  uint32_t max_rows; /* rows of the longest head */
};
_Static_assert(offsetof(struct args, block_starts) == 0, "block_starts");
_Static_assert(offsetof(struct args, cuts) == 8, "cuts");
_Static_assert(offsetof(struct args, kept) == 16, "kept");
_Static_assert(offsetof(struct args, kept_counts) == 24, "kept_counts");
_Static_assert(offsetof(struct args, layer) == 32, "layer");
_Static_assert(offsetof(struct args, n_kv_heads) == 36, "n_kv_heads");
_Static_assert(offsetof(struct args, protect_first) == 40, "protect_first");
_Static_assert(offsetof(struct args, protect_last) == 44, "protect_last");
_Static_assert(offsetof(struct args, max_rows) == 48, "max_rows");

/* One item: one KV head. */
static void trim_blocks(const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    const size_t place = (size_t)args->layer * args->n_kv_heads + kv_head;
    const uint32_t n_listed = args->cuts[4 * place], n_rows = args->cuts[4 * place + 1];
    const uint32_t *starts = args->block_starts + (size_t)kv_head * args->max_rows;
    uint32_t *kept = args->kept + (size_t)kv_head * args->max_rows;
    uint32_t *counts = args->kept_counts + 2 * place;
    for (uint32_t i = 0; i < counts[1]; i++) {
      const uint32_t row = kept[i], next = row + 1;
      if (row < args->protect_first || next + args->protect_last >= n_rows) continue;
      if (starts[next] != starts[row] || (i + 1 < counts[1] && kept[i + 1] == next)) continue;

      /* Ties keep the lower row: of the block all are there up to this one. */
      const uint32_t start = starts[row], n_cut = next - start;
      if (n_cut < counts[1]) {
        memmove(kept + i + 1 - n_cut, kept + i + 1, (counts[1] - i - 1) * sizeof *kept);
        counts[1] -= n_cut;
        counts[0] -= n_listed <= start ? 0 : n_listed < next ? n_listed - start : n_cut;
      }
      break;
    }
  }
}

KERF_EXPORT uint64_t trim_blocks_address(void);
uint64_t trim_blocks_address(void)
{
  return (uint64_t)(uintptr_t)trim_blocks;
}
