/**
 * Compressed rows of one layer of a slot become whole rows again, in front of those that are: what an eviction
 * of a layer begins with, since rows that share scales cannot leave one by one and values are read with every
 * channel, and the choice of another mask. Channels that were dropped read as zero, or as their means. A head without such rows stays as it is;
 * pages of the rows as they were are freed.
 */

import type { Device } from "../device/types.ts";
import { moveName } from "../layout/name.ts";
import { pageCount } from "../layout/offset.ts";
import type { Segment } from "../layout/types.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import { segmentPageBytes } from "./cache_shape.ts";
import type { CacheSegment, HeadAt } from "./cache_shape.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { LayerAt, StreamName, StreamSegments } from "./compress_drafts.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { Plan } from "./plan.ts";
import type { PlanBuffers } from "./plan_buffers.ts";
import { becomesWhole, isCoded } from "./whole_rows.ts";

/** One KV head's rows of a stream: compressed ones of a width, and whole ones. */
interface HeadRows {
  readonly at: HeadAt;
  readonly compressed: number;
  readonly width: number;
  readonly full: number;
}

/** A stream of a layer that has rows to expand, which where rows are evicted are in one segment. */
interface Expansion extends Pick<StreamSegments, "full"> {
  readonly compressed: CacheSegment;
  readonly stream: StreamName;
  readonly heads: readonly HeadRows[];
}

/** The streams of a cache whose compressed rows become whole ones before any row leaves. */
export const expandedStreams = (cache: Pick<KvCache, "segments">): StreamName[] =>
  (["key", "value"] as const).filter((stream) => {
    const segments = streamSegments(cache, stream);
    return segments !== null && becomesWhole(stream, segments.compressed[0]!.segment);
  });

/** The streams of a cache whose rows have lost the channels of a mask, and store the others as they are. */
export const maskedStreams = (cache: Pick<KvCache, "segments">): StreamName[] =>
  (["key", "value"] as const).filter((stream) => {
    const first = streamSegments(cache, stream)?.compressed[0]?.segment;
    return first?.channels === "list" && !isCoded(first);
  });

const expandable = (cache: KvCache, stream: StreamName) => {
  const { compressed, full } = streamSegments(cache, stream)!;
  return { compressed: compressed[0]!, full };
};

const deedOf = ({ code, channels }: Segment) => {
  if (channels === "bitmap") return "fill";
  return code.kind === "affine" ? "decode" : "move";
};

/** Makes whole rows of a layer's compressed ones of a stream, then moves those that were behind them. */
export function expandDrafts(
  { compress }: PlanBuffers,
  cache: KvCache,
  { slot, layer, stream, maxRows }: LayerAt & {
    readonly stream: StreamName;
    /** Of the longest head: compressed and whole. */
    readonly maxRows: readonly [number, number];
  },
): Draft[] {
  const { compressed, full } = expandable(cache, stream);
  return [compressed, full].map((from, i) => ({
    kernel: `${from === full ? "move" : deedOf(from.segment)}_rows__${
      moveName({ from: from.segment, to: full.segment, positions: full.headBytes > 0 })
    }`,
    label: `layer ${layer} · ${from === full ? "keep whole" : deedOf(from.segment)} ${stream}s`,
    buffers: {
      ...(cache.lists[stream] ? { channels: whole(cache.lists[stream]) } : {}),
      moves: whole(compress!.moves[stream]![i]!),
      arena: whole(cache.table.arenas[layer]!),
    },
    constants: {
      ...{ slot, layer, src_page: from.page, dst_page: full.page },
      max_rows: maxRows[i]!,
    },
  }));
}

/** Makes whole rows of a layer's compressed ones of `streams`. */
export async function expandLayer(
  device: Device,
  plan: Plan,
  at: LayerAt,
  streams: readonly StreamName[],
): Promise<void> {
  const { cache } = plan.inputs;
  const { nKvHeads, headDim } = cache.shape;
  const first = { slot: at.slot, head: at.layer * nKvHeads };
  const expansions = streams.map((stream): Expansion => {
    const segments = expandable(cache, stream);
    const heads = Array.from({ length: nKvHeads }, (_, i): HeadRows => {
      const head = { ...first, head: first.head + i };
      const { rows, width } = cache.sizeOf(head, segments.compressed.index);
      const full = cache.sizeOf(head, segments.full.index).rows;
      return { at: head, compressed: rows, width, full };
    });
    return { stream, ...segments, heads };
  }).filter(({ heads }) => heads.some(({ compressed }) => compressed > 0));
  if (expansions.length === 0) return;
  const { src_pages } = plan.buffers.compress!;
  device.write(src_pages, cache.table.entriesOf({ ...first, nHeads: nKvHeads }));
  const old = expansions.flatMap((expansion) => replacePages(device, plan, expansion));
  cache.sync();
  await plan.run(expansions.flatMap(({ stream, heads }) => {
    const whole = heads.filter(({ compressed }) => compressed > 0).map(({ full }) => full);
    const rows = heads.map(({ compressed }) => compressed);
    const maxRows = [Math.max(...rows), Math.max(...whole)] as const;
    return expandDrafts(plan.buffers, cache, { ...at, stream, maxRows });
  }));
  for (const page of old) cache.table.release(page);
  for (const { compressed, full, heads } of expansions) {
    for (const head of heads) {
      cache.setSize(head.at, compressed.index, { rows: 0, width: head.width });
      cache.setSize(head.at, full.index, { rows: head.compressed + head.full, width: headDim });
    }
  }
}

/** Pages for whole rows, the lists of moves, and the pages that held the rows before. */
function replacePages(device: Device, plan: Plan, expansion: Expansion): TakenPage[] {
  const { table, shape: { headDim } } = plan.inputs.cache;
  const { stream, compressed, full, heads } = expansion;
  const old: TakenPage[] = [];
  const [expand, move] = [new Uint32Array(4 * heads.length), new Uint32Array(4 * heads.length)];
  heads.forEach((head, i) => {
    if (head.compressed === 0) return;
    for (const [{ page }, rows] of [[compressed, head.compressed], [full, head.full]] as const) {
      for (let p = 0; p < pageCount(rows); p++) {
        old.push(table.take(table.entryIndex({ ...head.at, entry: page + p })));
      }
    }
    for (let p = 0; p < pageCount(head.compressed + head.full); p++) {
      const index = table.entryIndex({ ...head.at, entry: full.page + p });
      table.allocate(index, segmentPageBytes(full, { width: headDim, headDim }));
    }
    expand.set([0, 0, head.compressed, head.width], 4 * i);
    move.set([0, head.compressed, head.full, headDim], 4 * i);
  });
  const buffers = plan.buffers.compress!.moves[stream]!;
  [expand, move].forEach((data, i) => device.write(buffers[i]!, data, 16 * heads[0]!.at.head));
  return old;
}
