/**
 * The kernels of one layer's compression: score and select, then move. Which rows move is in buffers
 * that compress.ts fills; names of kernels follow from the layout's segments.
 */

import { layoutName, moveName } from "../layout/name.ts";
import type { KvCache } from "./cache.ts";
import type { CacheSegment } from "./cache_shape.ts";
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

/** Moves a layer's rows of a stream: those that are compressed, then those that stay whole. */
export function moveDrafts(
  { compress }: PlanBuffers,
  cache: KvCache,
  { slot, layer, stream, maxRows }: LayerAt & {
    readonly stream: StreamName;
    /** Of the longest move to each segment. */
    readonly maxRows: readonly number[];
  },
): Draft[] {
  const { compressed, full } = streamSegments(cache, stream)!;
  const codes = compressed.length > 1 ? "encode_ordered" : "encode";
  return [...compressed, full].map((to, i) => {
    const kind = to.segment.code.kind === "affine" ? codes : "move";
    const move = { from: full.segment, to: to.segment, positions: full.headBytes > 0 };
    const deed = to === full ? "keep recent" : kind === codes ? "code" : "prune";
    return {
      kernel: `${kind}_rows__${moveName(move)}`,
      label: `layer ${layer} · ${deed} ${stream}s`,
      buffers: {
        moves: whole(compress!.moves[stream]![i]!),
        arena: whole(cache.table.arenas[layer]!),
      },
      constants: {
        ...{ slot, layer, src_page: full.page, dst_page: to.page },
        max_rows: maxRows[i]!,
      },
    };
  });
}
