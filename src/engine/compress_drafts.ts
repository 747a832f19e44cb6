/**
 * The kernels of one layer's compression: score and select, then move. Which rows move is in buffers
 * that compress.ts fills; names of kernels follow from the layout's segments.
 */

import { layoutName, segmentName } from "../layout/name.ts";
import type { KvCache } from "./cache.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { PlanBuffers } from "./plan_buffers.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import { inKernelSpelling } from "./tables.ts";

/** A layer of a slot. */
export interface LayerAt {
  readonly slot: number;
  readonly layer: number;
}

/** Scores a layer's channels over the slot's cached keys and chooses those that stay. */
export function scoreDrafts(
  channels: ChannelsPlan,
  buffers: PlanBuffers,
  cache: KvCache,
  at: LayerAt & { readonly nWindow: number },
): Draft[] {
  const { slot, layer, nWindow } = at;
  return [
    {
      kernel: `channel_scores_${channels.definition.name}__${layoutName(cache.shape.layout)}`,
      label: `layer ${layer} · score channels`,
      buffers: {
        ...buffers.pruneTables,
        q_ring: buffers.rings.get(channels.window)!,
        arena: whole(cache.table.arenas[layer]!),
      },
      constants: {
        ...inKernelSpelling(channels.params),
        window: channels.window,
        n_window: nWindow,
        slot,
        layer,
      },
    },
    {
      kernel: "select_channels",
      label: `layer ${layer} · select channels`,
      constants: { slot, layer },
    },
  ];
}

/** The key segments that a compression moves rows from and to. */
export function keySegments(cache: KvCache) {
  const keys = cache.segments.filter((s) => s.stream === "key");
  const list = keys.find((s) => s.segment.channels === "list")!;
  return { list, full: keys.at(-1)! };
}

/** Moves a layer's rows: those that lose channels, then those that stay whole. */
export function compressDrafts(
  { prune }: PlanBuffers,
  cache: KvCache,
  { slot, layer }: LayerAt,
): Draft[] {
  const { list, full } = keySegments(cache);
  return [list, full].map((to, i) => ({
    kernel: `move_rows__${segmentName(full.segment)}__${segmentName(to.segment)}`,
    label: `layer ${layer} · ${i === 0 ? "prune rows" : "keep recent rows"}`,
    buffers: {
      moves: whole(prune!.moves[i]!),
      arena: whole(cache.table.arenas[layer]!),
    },
    constants: { slot, layer, src_page: full.page, dst_page: to.page },
  }));
}
