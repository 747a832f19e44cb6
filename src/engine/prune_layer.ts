/**
 * Channel pruning of one layer of a slot: which channels stay. The rows that lose the others move in
 * move_layer.ts. A layer where every head keeps every channel is left as it is, unless its rows are coded
 * on the way: removing nothing is dense by construction.
 */

import type { Layout } from "../layout/types.ts";
import { scoreDrafts, streamSegments } from "./compress_drafts.ts";
import type { LayerAt } from "./compress_drafts.ts";
import { isCoded } from "./move_layer.ts";
import type { Plan } from "./plan.ts";

/** As much of a pruning of channels as decides which rows move. */
export interface ChannelCut {
  /** u32 [nLayers, nKvHeads] */
  readonly widths: Uint32Array;
  /** Last rows that keep every channel. */
  readonly recent: number;
}

/** Whether some head of a layer loses a channel. */
export function layerLosesChannels(
  widths: Uint32Array,
  { layer, nKvHeads, headDim }: { layer: number; nKvHeads: number; headDim: number },
): boolean {
  return widths.subarray(layer * nKvHeads, (layer + 1) * nKvHeads).some((w) => w < headDim);
}

/** Last rows of a layer's keys that stay whole for the sake of their channels; Infinity: all. */
export function recentRows(
  cut: ChannelCut | null,
  { layout: { key }, ...size }: {
    readonly layout: Layout;
    readonly layer: number;
    readonly nKvHeads: number;
    readonly headDim: number;
  },
): number {
  if (cut === null) return 0;
  return layerLosesChannels(cut.widths, size) || isCoded(key.segments[0]!) ? cut.recent : Infinity;
}

/** Whether rows of a layer of a slot have lost channels: then the mask stays that chose them. */
export function hasMask({ inputs: { cache } }: Plan, { slot, layer }: LayerAt): boolean {
  const { nKvHeads } = cache.shape;
  const segments = streamSegments(cache, "key");
  const listed = segments?.compressed.filter(({ segment }) => segment.channels === "list") ?? [];
  return Array.from({ length: nKvHeads }, (_, i) => ({ slot, head: layer * nKvHeads + i }))
    .some((at) => listed.some(({ index }) => cache.sizeOf(at, index).rows > 0));
}

/** Chooses the channels that a layer of a slot keeps. */
export async function chooseChannels(
  plan: Plan,
  { slot, layer, nTokens }: LayerAt & { readonly nTokens: number },
): Promise<void> {
  const { channels, cache } = plan.inputs;
  if (!channels) return;
  cache.sync();
  const nWindow = Math.min(channels.window, nTokens);
  await plan.run(scoreDrafts(channels, plan.buffers, cache, { slot, layer, nWindow }));
}
