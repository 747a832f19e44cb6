/**
 * Compressed rows of one layer of a slot become whole rows again, in front of those that are: what an eviction
 * of a layer begins with, since rows that share scales cannot leave one by one and values are read with every
 * channel, and the choice of another mask. Channels that were dropped read as zero, or as their means. A head without such rows stays as it is;
 * pages of the rows as they were are freed.
 */

import type { Device } from "../device/types.ts";
import { becomesWhole, isCoded } from "../layout/becomes_whole.ts";
import { channelsWord } from "../layout/bytes.ts";
import { moveName } from "../layout/name.ts";
import type { Segment } from "../layout/types.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import type { HeadAt } from "./cache_shape.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { LayerAt, StreamName, StreamSegments } from "./compress_drafts.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { fitPages, takePages } from "./fit_pages.ts";
import type { Plan } from "./plan.ts";
import type { PlanBuffers } from "./plan_buffers.ts";
import { restoreOrder } from "./restore_order.ts";

/** One KV head's rows of a stream: those of each compressed segment, and whole ones. */
interface HeadRows {
  readonly at: HeadAt;
  readonly compressed: readonly number[];
  readonly full: number;
}

/** A stream of a layer that has rows to expand. */
interface Expansion extends StreamSegments {
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

const deedOf = (
  { code, channels }: Segment,
): { readonly kernel: string; readonly deed: string } => {
  if (channels === "none") return { kernel: "repeat_means", deed: "repeat means of" };
  const deed = channels === "bitmap" ? "fill" : code.kind === "affine" ? "decode" : "move";
  return { kernel: `${deed}_rows`, deed };
};

/** Makes whole rows of a layer's compressed ones of a stream, then moves those that were behind them. */
export function expandDrafts(
  { compress }: PlanBuffers,
  cache: KvCache,
  { slot, layer, stream, maxRows }: LayerAt & {
    readonly stream: StreamName;
    /** Of the longest head: of each compressed segment, and whole. */
    readonly maxRows: readonly number[];
  },
): Draft[] {
  const { compressed, full } = streamSegments(cache, stream)!;
  return [...compressed, full].map((from, i) => {
    const { kernel, deed } = from === full
      ? { kernel: "move_rows", deed: "keep whole" }
      : deedOf(from.segment);
    return {
      kernel: `${kernel}__${moveName({ from: from.segment, to: full.segment, sides: full.sides })}`,
      label: `layer ${layer} · ${deed} ${stream}s`,
      buffers: {
        ...(cache.lists[stream] ? { channels: whole(cache.lists[stream]) } : {}),
        moves: whole(compress!.moves[stream]![i]!),
        arena: whole(cache.table.arenas[layer]!),
      },
      constants: {
        ...{ slot, layer, src_page: from.page, dst_page: full.page },
        ...{ max_rows: maxRows[i]!, key_list: i },
      },
    };
  });
}

const sum = (rows: readonly number[]) => rows.reduce((a, b) => a + b, 0);

/** Makes whole rows of a layer's compressed ones of `streams`, in the order of their tokens. */
export async function expandLayer(
  device: Device,
  plan: Plan,
  at: LayerAt,
  streams: readonly StreamName[],
): Promise<void> {
  const { cache, classes } = plan.inputs;
  const { nKvHeads, headDim } = cache.shape;
  const first = { slot: at.slot, head: at.layer * nKvHeads };
  const expansions = streams.map((stream): Expansion => {
    const segments = streamSegments(cache, stream)!;
    const heads = Array.from({ length: nKvHeads }, (_, i): HeadRows => {
      const head = { ...first, head: first.head + i };
      const compressed = segments.compressed.map(({ index }) => cache.sizeOf(head, index).rows);
      return { at: head, compressed, full: cache.sizeOf(head, segments.full.index).rows };
    });
    return { stream, ...segments, heads };
  }).filter(({ heads }) => heads.some(({ compressed }) => sum(compressed) > 0));
  if (expansions.length === 0) return;
  const { src_pages } = plan.buffers.compress!;
  device.write(src_pages, cache.table.entriesOf({ ...first, nHeads: nKvHeads }));
  const old = expansions.flatMap((expansion) => replacePages(device, plan, expansion));
  cache.sync();
  await plan.run(expansions.flatMap(({ stream, compressed, heads }) => {
    const whole = heads.filter((head) => sum(head.compressed) > 0).map(({ full }) => full);
    const rows = compressed.map((_, c) => Math.max(...heads.map((head) => head.compressed[c]!)));
    return expandDrafts(plan.buffers, cache, {
      ...at,
      stream,
      maxRows: [...rows, Math.max(...whole)],
    });
  }));
  for (const page of old) cache.table.release(page);
  for (const { compressed, full, heads } of expansions) {
    for (const head of heads) {
      for (const { index } of compressed) {
        cache.setSize(head.at, index, { ...cache.sizeOf(head.at, index), rows: 0 });
      }
      const rows = sum(head.compressed) + head.full;
      cache.setSize(head.at, full.index, { rows, width: headDim });
    }
  }
  if (classes) await restoreOrder(device, plan, at);
}

/** Pages for whole rows, the lists of moves, and the pages that held the rows before. */
function replacePages(device: Device, plan: Plan, expansion: Expansion): TakenPage[] {
  const { cache } = plan.inputs;
  const { headDim } = cache.shape;
  const { stream, compressed, full, heads } = expansion;
  const old: TakenPage[] = [];
  const lists = [...compressed, full].map(() => new Uint32Array(4 * heads.length));
  heads.forEach((head, i) => {
    const rows = sum(head.compressed) + head.full;
    if (rows === head.full) return;
    let before = 0;
    for (const [s, segment] of [...compressed, full].entries()) {
      const own = head.compressed[s] ?? head.full;
      old.push(...takePages(cache, { at: head.at, segment, rows: own }));
      const stored = segment === full ? { width: headDim } : cache.sizeOf(head.at, segment.index);
      lists[s]!.set([0, before, own, channelsWord(stored)], 4 * i);
      before += own;
    }
    fitPages(cache, { at: head.at, segment: full, width: headDim, from: 0, to: rows });
  });
  const buffers = plan.buffers.compress!.moves[stream]!;
  lists.forEach((data, i) => device.write(buffers[i]!, data, 16 * heads[0]!.at.head));
  return old;
}
