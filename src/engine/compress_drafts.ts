/**
 * The kernels of one layer's compression: score and select, then move. Which rows move is in buffers
 * that compress.ts fills; names of kernels follow from the layout's segments.
 */

import type { BufferSlice } from "../device/types.ts";
import { layoutName, moveName } from "../layout/name.ts";
import type { Segment } from "../layout/types.ts";
import type { KvCache } from "./cache.ts";
import type { CacheSegment } from "./cache_shape.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { enoughDrafts } from "./enough_drafts.ts";
import type { PlanBuffers } from "./plan_buffers.ts";
import type { RowClassesPlan } from "./row_classes_plan.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import { inKernelSpelling } from "./tables.ts";

/** A layer of a slot. */
export interface LayerAt {
  readonly slot: number;
  readonly layer: number;
}

/** Scores a layer's channels of a stream over the slot's cached rows, and counts what is enough of them. */
export function scoreDrafts(
  plan: ChannelsPlan,
  buffers: PlanBuffers,
  cache: KvCache,
  at: LayerAt & { readonly nTokens: number },
): Draft[] {
  const { slot, layer, nTokens } = at;
  const { of, definition, params, window, enough, multiple } = plan;
  const { scores, cuts, outputs, tables } = buffers.prune[of]!;
  const { nLayers, nKvHeads, headDim } = cache.shape;
  const name = layoutName(cache.shape.layout);
  const nWindow = Math.min(window, nTokens);
  const ring = { q_ring: buffers.rings.get(window)!, arena: whole(cache.table.arenas[layer]!) };
  const ofOutputs = outputs ? { outputs: whole(outputs) } : {};
  const constants = { window, n_window: nWindow, n_tokens: nTokens, slot, layer };
  const about = `layer ${layer} ·`;
  return [
    ...(outputs
      ? [{
        kernel: `window_outputs__${name}`,
        label: `${about} outputs of the window`,
        buffers: { ...ring, ...ofOutputs },
        constants,
      }]
      : []),
    {
      kernel: `channel_scores_${definition.name}${outputs ? "" : `__${name}`}`,
      label: `${about} score ${of} channels`,
      buffers: { ...tables, ...(outputs ? ofOutputs : ring), scores: whole(scores) },
      constants: { ...inKernelSpelling(params), ...constants },
    },
    ...enoughDrafts(enough, {
      ...{ layer, what: `${of} channels`, scores: whole(scores), cuts: whole(cuts) },
      firstList: (slot * nLayers + layer) * nKvHeads,
      ...{ maxRows: headDim, multiple, first: 0, last: 0, inBlocks: false },
    }),
  ];
}

/**
 * Chooses the channels of a stream that stay, by their scores; where rows keep channels of their own, takes
 * the means that missing ones read as, unless rows read them already.
 */
export function selectDrafts(
  { of, perRow }: ChannelsPlan,
  buffers: PlanBuffers,
  cache: KvCache,
  at: LayerAt & { readonly masked: boolean },
): Draft[] {
  const { slot, layer, masked } = at;
  const name = layoutName(cache.shape.layout);
  if (perRow) return masked ? [] : [meansDraft(name, whole(cache.table.arenas[layer]!), at)];
  const { scores, widths } = buffers.prune[of]!;
  return [{
    kernel: "select_channels",
    label: `layer ${layer} · select ${of} channels`,
    buffers: {
      ...{ scores: whole(scores), widths: whole(widths) },
      channels: whole(cache.lists[of]!),
    },
    constants: { slot, layer },
  }];
}

/** What channels of keys read as that a row lacks. */
const meansDraft = (layout: string, arena: BufferSlice, { slot, layer }: LayerAt): Draft => ({
  kernel: `key_means__${layout}`,
  label: `layer ${layer} · means of key channels`,
  buffers: { arena },
  constants: { slot, layer },
});

/** The streams of a cache. */
export type StreamName = "key" | "value";

/** The segments of a stream whose older rows are compressed. */
export interface StreamSegments {
  /** One, or one for each class of rows. */
  readonly compressed: readonly CacheSegment[];
  readonly full: CacheSegment;
}

/** The segments that rows of a stream move between; null: none move. */
export function streamSegments(
  { segments }: Pick<KvCache, "segments">,
  stream: StreamName,
): StreamSegments | null {
  const own = segments.filter((s) => s.stream === stream);
  return own.length < 2 ? null : { compressed: own.slice(0, -1), full: own.at(-1)! };
}

/** Where rows of a stream go: those of every compressed segment, those that stay whole, the first ones. */
export const moveTargets = (
  { compressed, full }: StreamSegments,
  classes: Pick<RowClassesPlan, "first"> | null,
): CacheSegment[] => [...compressed, full, ...(classes?.first ? [full] : [])];

/** What happens to rows on their way to a segment, and the kernel of it. */
function deedOf(
  { code, channels }: Segment,
  ordered: boolean,
): { readonly kernel: string; readonly deed: string } {
  if (code.kind === "affine") {
    return { kernel: ordered ? "encode_ordered_rows" : "encode_rows", deed: "code" };
  }
  if (channels === "bitmap") return { kernel: "thin_rows", deed: "thin" };
  if (channels === "none") return { kernel: "average_rows", deed: "average" };
  return { kernel: "move_rows", deed: channels === "list" ? "prune" : "keep recent" };
}

/** Moves a layer's rows of a stream to {@linkcode moveTargets}. */
export function moveDrafts(
  { compress, prune }: PlanBuffers,
  cache: KvCache,
  { slot, layer, stream, maxRows }: LayerAt & {
    readonly stream: StreamName;
    /** Of the longest move to each target. */
    readonly maxRows: readonly number[];
  },
): Draft[] {
  const { compressed, full } = streamSegments(cache, stream)!;
  return compress!.moves[stream]!.map((list, i) => {
    const to = compressed[i] ?? full;
    const { kernel, deed } = deedOf(to.segment, compressed.length > 1);
    const move = { from: full.segment, to: to.segment, sides: full.sides };
    return {
      kernel: `${kernel}__${moveName(move)}`,
      label: `layer ${layer} · ${deed} ${stream}s`,
      buffers: {
        ...(cache.lists[stream] ? { channels: whole(cache.lists[stream]) } : {}),
        ...(prune[stream] ? { scores: whole(prune[stream].scores) } : {}),
        moves: whole(list),
        arena: whole(cache.table.arenas[layer]!),
      },
      constants: {
        ...{ slot, layer, src_page: full.page, dst_page: to.page },
        ...{ max_rows: maxRows[i]!, key_list: i },
      },
    };
  });
}
