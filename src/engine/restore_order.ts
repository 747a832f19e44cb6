/**
 * Rows of one layer of a slot that lay by class stand in the order of their tokens again: what evictions count
 * places in. All of them are whole; they move to new pages by their positions, which are read back.
 */

import type { Device } from "../device/types.ts";
import { moveName } from "../layout/name.ts";
import { pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import type { HeadAt } from "./cache_shape.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { LayerAt, StreamName } from "./compress_drafts.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { fitPages, takePages } from "./fit_pages.ts";
import type { Plan } from "./plan.ts";
import type { PlanBuffers } from "./plan_buffers.ts";

const STREAMS = ["key", "value"] as const;

const fullOf = (cache: Pick<KvCache, "segments">, stream: StreamName) =>
  streamSegments(cache, stream)!.full;

/** Moves a layer's whole rows of both streams to new pages, in `order`. */
export function orderWholeDrafts(
  { compress }: PlanBuffers,
  cache: KvCache,
  { slot, layer, maxRows }: LayerAt & { readonly maxRows: number },
): Draft[] {
  return STREAMS.map((stream) => {
    const { segment, sides, page } = fullOf(cache, stream);
    const move = { from: segment, to: segment, sides };
    return {
      kernel: `move_ordered_rows__${moveName(move)}`,
      label: `layer ${layer} · order ${stream}s`,
      buffers: {
        moves: whole(compress!.moves[stream]![0]!),
        arena: whole(cache.table.arenas[layer]!),
      },
      constants: { slot, layer, src_page: page, dst_page: page, max_rows: maxRows },
    };
  });
}

/** The true positions of a head's whole rows, place by place. */
async function positionsOf(
  { device, cache }: { readonly device: Device; readonly cache: KvCache },
  at: HeadAt,
): Promise<number[]> {
  const { page, index } = fullOf(cache, "value");
  const { rows } = cache.sizeOf(at, index);
  const pages = await Promise.all(Array.from({ length: pageCount(rows) }, (_, p) => {
    const entry = cache.table.entryIndex({ ...at, entry: page + p });
    const { buffer, offset } = cache.table.pageAt(entry);
    return device.read(buffer, offset, 4 * Math.min(PAGE_ROWS, rows - p * PAGE_ROWS));
  }));
  return pages.flatMap((bytes) => [...new Uint32Array(bytes.slice().buffer)]);
}

/** Puts a layer's rows, all of which are whole, in the order of their positions. */
export async function restoreOrder(device: Device, plan: Plan, at: LayerAt): Promise<void> {
  const { cache } = plan.inputs;
  const { table, shape: { nKvHeads, headDim } } = cache;
  const first = { slot: at.slot, head: at.layer * nKvHeads };
  const heads = Array.from({ length: nKvHeads }, (_, i) => ({ ...first, head: first.head + i }));
  const orders: number[][] = [];
  for (const head of heads) {
    const positions = await positionsOf({ device, cache }, head);
    orders.push([...positions.keys()].sort((a, b) => positions[a]! - positions[b]!));
  }
  const maxRows = Math.max(...orders.map(({ length }) => length));
  const order = new Uint32Array(nKvHeads * maxRows);
  orders.forEach((own, i) => order.set(own, i * maxRows));
  device.write(plan.buffers.evict!.order, order);
  const { src_pages, moves } = plan.buffers.compress!;
  device.write(src_pages, table.entriesOf({ ...first, nHeads: nKvHeads }));
  const old: TakenPage[] = [];
  for (const stream of STREAMS) {
    const full = fullOf(cache, stream);
    heads.forEach((head, i) => {
      const rows = orders[i]!.length;
      old.push(...takePages(cache, { at: head, segment: full, rows }));
      fitPages(cache, { at: head, segment: full, width: headDim, from: 0, to: rows });
    });
    const list = orders.flatMap(({ length }) => [0, 0, length, headDim]);
    device.write(moves[stream]![0]!, Uint32Array.from(list), 16 * first.head);
  }
  cache.sync();
  await plan.run(orderWholeDrafts(plan.buffers, cache, { ...at, maxRows }));
  for (const page of old) table.release(page);
}
