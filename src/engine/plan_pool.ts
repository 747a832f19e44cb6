/**
 * The pool of names that a plan's kernels bind: buffers and constants, as ARCHITECTURE.md's vocabulary has
 * them. What one kernel alone binds is its draft's.
 */

import type { DeviceBuffer } from "../device/types.ts";
import { whole } from "./draft.ts";
import type { Pool } from "./draft.ts";
import type { PlanBuffers } from "./plan_buffers.ts";
import type { PlanInputs } from "./plan_inputs.ts";

/** What any kernel of the plan may bind. */
export function poolOf(
  { config, cache, limits }: PlanInputs,
  buffers: PlanBuffers,
): Pool {
  const { nHeads, nKvHeads, nLayers, headDim } = config;
  const { evict, compress } = buffers;
  const slices = (of: Readonly<Record<string, DeviceBuffer>>) =>
    Object.fromEntries(Object.entries(of).map(([name, buffer]) => [name, whole(buffer)]));
  const pages: Record<string, number> = {};
  for (const stream of ["key", "value"] as const) {
    const segments = cache.segments.filter((s) => s.stream === stream);
    segments.forEach(({ page }, i) => pages[`${stream}_page_${i}`] = page);
    pages[`${stream}_page`] = segments.at(-1)!.page;
  }
  return {
    buffers: {
      ...slices(buffers.activations),
      ...slices(buffers.step),
      ...slices({ rope: buffers.rope, angles: buffers.rope, heads: cache.heads }),
      ...(buffers.moments ? slices({ moments: buffers.moments }) : {}),
      ...slices({ pages: cache.table.pages, dst_pages: cache.table.pages }),
      ...(cache.lists.key ? slices({ channels: cache.lists.key }) : {}),
      ...(cache.lists.value ? slices({ value_channels: cache.lists.value }) : {}),
      ...(cache.fills ? slices({ fills: cache.fills }) : {}),
      ...(evict ? slices({ ...evict }) : {}),
      ...(compress ? slices({ src_pages: compress.src_pages }) : {}),
    },
    constants: {
      ...pages,
      n_layers: nLayers,
      n_heads: nHeads,
      n_kv_heads: nKvHeads,
      n_key_lists: cache.nKeyLists,
      value_fills: cache.valueFills,
      qkv_stride: (nHeads + 2 * nKvHeads) * headDim,
      out_stride: nHeads * headDim,
      page_entries: cache.pageEntries,
      scale: 1 / Math.sqrt(headDim),
      max_rows: limits.nCtx,
      n_ctx: limits.nCtx,
    },
  };
}
