/**
 * Channel pruning of one layer of a slot: which channels stay. The rows that lose the others move in
 * move_layer.ts. A layer where every head keeps every channel is left as it is, unless its rows are coded
 * on the way: removing nothing is dense by construction.
 */

import type { EnoughRule } from "../dsl/enough.ts";
import { isCoded } from "../layout/becomes_whole.ts";
import type { Layout } from "../layout/types.ts";
import type { Device } from "../device/types.ts";
import type { KvCache } from "./cache.ts";
import type { HeadAt } from "./cache_shape.ts";
import { scoreDrafts, selectDrafts, streamSegments } from "./compress_drafts.ts";
import type { LayerAt, StreamName } from "./compress_drafts.ts";
import type { Plan } from "./plan.ts";

const STREAMS = ["key", "value"] as const;

/** As much of a pruning of channels as decides which rows move. */
export interface ChannelCut {
  /** u32 [nLayers, nKvHeads]: at most, where scores say what is enough. */
  readonly widths: Uint32Array;
  /** What is enough of them; null or absent: all. */
  readonly enough?: EnoughRule | null;
  /** Last rows that keep every channel. */
  readonly recent: number;
  readonly refreshes: boolean;
}

/** Whether some head of a layer loses a channel. */
export function layerLosesChannels(
  widths: Uint32Array,
  { layer, nKvHeads, headDim }: { layer: number; nKvHeads: number; headDim: number },
): boolean {
  return widths.subarray(layer * nKvHeads, (layer + 1) * nKvHeads).some((w) => w < headDim);
}

/** What is pruned of each stream; null: nothing. */
export interface ChannelCuts {
  readonly channels: ChannelCut | null;
  readonly valueChannels: ChannelCut | null;
}

/** The cut of a stream. */
export const cutOf = <C>(
  { channels, valueChannels }: { readonly channels: C; readonly valueChannels: C },
  stream: StreamName,
): C => stream === "key" ? channels : valueChannels;

/** Last rows of a layer's stream that stay whole for the sake of their channels; Infinity: all. */
export function recentRows(
  cuts: ChannelCuts,
  stream: StreamName,
  { layout, ...size }: {
    readonly layout: Layout;
    readonly layer: number;
    readonly nKvHeads: number;
    readonly headDim: number;
  },
): number {
  const cut = cutOf(cuts, stream);
  if (cut === null) return 0;
  const moves = cut.enough || layerLosesChannels(cut.widths, size) ||
    isCoded(layout[stream].segments[0]!);
  return moves ? cut.recent : Infinity;
}

/** Whether the masks of a layer are chosen anew whenever rows come to lose channels. */
export const refreshes = (cuts: ChannelCuts): boolean =>
  STREAMS.some((stream) => cutOf(cuts, stream)?.refreshes);

/** Whether rows of a layer of a slot have lost channels of either stream: then the masks stay that chose them. */
export function hasMask({ inputs: { cache } }: Plan, { slot, layer }: LayerAt): boolean {
  const { nKvHeads } = cache.shape;
  return STREAMS.some((stream) => {
    const segments = streamSegments(cache, stream);
    const listed = segments?.compressed.filter(({ segment: { channels } }) =>
      channels === "list" || channels === "bitmap"
    ) ?? [];
    return Array.from({ length: nKvHeads }, (_, i) => ({ slot, head: layer * nKvHeads + i }))
      .some((at) =>
        listed.some(({ index }) => cache.sizeOf(at, index).rows > 0)
      );
  });
}

/**
 * Chooses the channels that a layer of a slot keeps, of both streams at once: every row is still whole. Where
 * rows keep channels of their own, scores them for the rows that come to lose some.
 *
 * @param options.masked some rows have lost channels: the masks stay, and what missing channels read as
 * @returns the streams whose scores say that every channel of the layer stays
 */
export async function chooseChannels(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
  { masked }: { readonly masked: boolean },
): Promise<StreamName[]> {
  const { inputs: { cache, ...inputs }, buffers } = plan;
  const cuts = STREAMS.flatMap((stream) => cutOf(inputs, stream) ?? [])
    .filter(({ perRow }) => perRow || !masked);
  if (cuts.length === 0) return [];
  cache.sync();
  const scores = cuts.flatMap((cut) => scoreDrafts(cut, buffers, cache, at));
  const choice = cuts.flatMap((cut) => selectDrafts(cut, buffers, cache, { ...at, masked }));
  const counted = cuts.filter(({ enough }) => enough);
  if (counted.length === 0) {
    await plan.run([...scores, ...choice]);
    return [];
  }
  const { nKvHeads, headDim } = cache.shape;
  const heads = Array.from({ length: nKvHeads }, (_, i) => at.layer * nKvHeads + i);
  for (const { of, widths } of counted) {
    const most = heads.flatMap((head) => [0, headDim, widths[head]!, 0]);
    device.write(buffers.prune[of]!.cuts, Uint32Array.from(most), 16 * heads[0]!);
  }
  await plan.run(scores);
  const wholeStreams: StreamName[] = [];
  for (const { of } of counted) {
    const bytes = await device.read(buffers.prune[of]!.cuts, 16 * heads[0]!, 16 * nKvHeads);
    const cut = new Uint32Array(bytes.slice().buffer);
    const widths = Uint32Array.from(heads, (_, i) => cut[4 * i + 2]!);
    device.write(buffers.prune[of]!.widths, widths, 4 * heads[0]!);
    heads.forEach((head, i) => setWidth(cache, { slot: at.slot, head }, of, widths[i]!));
    if (widths.every((width) => width === headDim)) wholeStreams.push(of);
  }
  await plan.run(choice);
  return wholeStreams;
}

/** The channels that a head's compressed rows of a stream will have; it has none yet. */
function setWidth(cache: KvCache, at: HeadAt, stream: StreamName, width: number): void {
  for (const { index } of streamSegments(cache, stream)!.compressed) {
    cache.setSize(at, index, { rows: 0, width });
  }
}
