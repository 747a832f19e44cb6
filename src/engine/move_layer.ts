/**
 * Older rows of one layer of a slot move to the compressed segments of their streams, losing channels or
 * becoming codes on the way: which rows, their order, new pages, the move, the old pages freed. A stream of
 * one segment, and a head that has no row to move, stay as they are.
 */

import type { Device } from "../device/types.ts";
import { channelsWord } from "../layout/bytes.ts";
import type { StoredChannels } from "../layout/bytes.ts";
import { pageCount } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import { classRows, hasRowClasses } from "../layout/row_classes.ts";
import type { Layout, Segment, Stream } from "../layout/types.ts";
import type { TakenPage } from "./block_table.ts";
import type { KvCache } from "./cache.ts";
import { segmentPageBytes } from "./cache_shape.ts";
import type { CacheSegment, HeadAt } from "./cache_shape.ts";
import { chooseBits, haveBits } from "./choose_bits.ts";
import { listLength, orderDrafts } from "./class_drafts.ts";
import { moveDrafts, moveTargets, streamSegments } from "./compress_drafts.ts";
import type { LayerAt, StreamName, StreamSegments } from "./compress_drafts.ts";
import type { Plan } from "./plan.ts";
import { rowSplit } from "./row_classes_plan.ts";
import { cutOf } from "./prune_layer.ts";

const STREAMS = ["key", "value"] as const;

/**
 * How many of a head's full rows of a stream leave for its compressed segment: the oldest. All but the last
 * `recent`; where a flush codes them, whole units of it, so many that its last rows stay too.
 *
 * @param options.flushes whether rows are decoded, which have units of their own
 */
export function rowsToMove(
  { segments }: Stream,
  full: number,
  { recent, flushes = false }: { readonly recent: number; readonly flushes?: boolean | undefined },
): number {
  if (segments.length < 2) return 0;
  const { flush } = segments.at(-1)!;
  if (flush === null) return Math.max(0, full - recent);
  const unit = flushes ? flush.rows : flush.unit ?? flush.rows;
  return Math.floor(Math.max(0, full - rowsThatStay(flush, recent)) / unit) * unit;
}

const rowsThatStay = ({ atRows, rows }: NonNullable<Segment["flush"]>, recent: number) =>
  Math.max(atRows - rows, recent);

/** How many rows more make a stream's flush due; Infinity: it has none. */
export function rowsUntilMove({ segments }: Stream, full: number, recent: number): number {
  const flush = segments.length < 2 ? null : segments.at(-1)!.flush;
  return flush === null ? Infinity : rowsThatStay(flush, recent) + flush.rows - full;
}

/** Last full rows of a stream that stay for the sake of channels: of both alike where rows are in classes. */
export const stays = (
  layout: Layout,
  stream: StreamName,
  { key, value }: Readonly<Record<StreamName, number>>,
): number => hasRowClasses(layout) ? Math.max(key, value) : stream === "key" ? key : value;

/** One KV head's share of a stream's move. */
interface HeadMove {
  readonly at: HeadAt;
  /** Full rows before, and how many of them move. */
  readonly full: number;
  readonly moved: number;
  /** Rows of each compressed segment before and after. */
  readonly segments: readonly { readonly from: number; readonly to: number }[];
}

/** A stream's move. */
interface StreamMove extends StreamSegments {
  readonly stream: StreamName;
  readonly heads: readonly HeadMove[];
}

/** Which rows of a layer are to move. */
export interface MoveOptions {
  /** Last rows of each stream that keep every channel. */
  readonly recent: Readonly<Record<StreamName, number>>;
  /** Only streams that are flushed while decoding. */
  readonly flushes?: boolean;
  /** Of each KV head, whether the bits of its channels are chosen; absent: as its coded rows say. */
  readonly hasBits?: readonly boolean[];
  /** Oldest full rows of each KV head that move, whichever are due. */
  readonly rows?: Readonly<Partial<Record<StreamName, readonly number[]>>>;
}

/** The moves of a layer that has any. */
function layerMoves(plan: Plan, { slot, layer }: LayerAt, options: MoveOptions): StreamMove[] {
  const { cache, classes } = plan.inputs;
  const { nKvHeads, layout } = cache.shape;
  const split = rowSplit(classes, layout);
  const first = classes?.first ?? 0;
  const moves: StreamMove[] = [];
  for (const stream of STREAMS) {
    const segments = streamSegments(cache, stream);
    const own = options.rows?.[stream];
    const isLeft = options.flushes && segments?.full.segment.flush === null && !own;
    if (segments === null || isLeft) continue;
    const heads = Array.from({ length: nKvHeads }, (_, i): HeadMove => {
      const at: HeadAt = { slot, head: layer * nKvHeads + i };
      const full = cache.sizeOf(at, segments.full.index).rows;
      const stay = { recent: stays(layout, stream, options.recent), flushes: options.flushes };
      const moved = own?.[i] ?? rowsToMove(layout[stream], full - first, stay);
      const before = segments.compressed.map(({ index }) => cache.sizeOf(at, index).rows);
      const after = classRows(split, before.reduce((a, b) => a + b) + moved);
      return {
        ...{ at, full, moved },
        segments: before.map((from, i) => ({ from, to: after[i]! })),
      };
    });
    if (heads.some(({ moved }) => moved > 0)) moves.push({ stream, ...segments, heads });
  }
  return moves;
}

/** Whether rows of a layer are to move. */
export const hasRowsToMove = (plan: Plan, at: LayerAt, options: MoveOptions): boolean =>
  layerMoves(plan, at, options).length > 0;

/** Moves a layer's older rows. @returns whether there were any */
export async function moveLayer(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
  options: MoveOptions,
): Promise<boolean> {
  const moves = layerMoves(plan, at, options);
  if (moves.length === 0) return false;
  await orderRows(device, plan, at, moves[0]!);
  const keys = moves.find(({ stream }) => stream === "key");
  const { cache, classes } = plan.inputs;
  const listRows = (nDue: number) => classes ? listLength(nDue, classes.first) : nDue;
  if (keys) {
    const hasBits = options.hasBits ?? haveBits(plan, at);
    const due = keys.heads.map(({ segments }, i) =>
      segments.map(({ from, to }) => hasBits[i] ? 0 : to - from)
    );
    await chooseBits(device, plan, { ...at, due, maxRows: listRows(mostMoved(keys.heads)) });
  }
  const { headDim, nKvHeads } = cache.shape;
  const first = { slot: at.slot, head: at.layer * nKvHeads };
  const { src_pages } = plan.buffers.compress!;
  device.write(src_pages, cache.table.entriesOf({ ...first, nHeads: nKvHeads }));
  const old = moves.flatMap((move) => replacePages(device, plan, move));
  cache.sync();
  const drafts = moves.flatMap(({ stream, heads, compressed }) => {
    const coded = listRows(mostMoved(heads));
    const whole = heads.filter((head) => head.moved > 0).map((head) => head.full - head.moved);
    const maxRows = [...compressed.map(() => coded), Math.max(...whole), classes?.first ?? 0];
    return moveDrafts(plan.buffers, cache, { ...at, stream, maxRows });
  });
  await plan.run(drafts);
  for (const page of old) cache.table.release(page);
  for (const { compressed, full, heads } of moves) {
    for (const { at, moved, ...head } of heads.filter(({ moved }) => moved > 0)) {
      compressed.forEach((segment, i) =>
        cache.setSize(at, segment.index, {
          rows: head.segments[i]!.to,
          ...storedChannels(plan, at, segment),
        })
      );
      cache.setSize(at, full.index, { rows: head.full - moved, width: headDim });
    }
  }
  return true;
}

/** The channels that a compressed segment stores of a head. */
function storedChannels(
  { inputs }: Plan,
  at: HeadAt,
  { segment, index, stream }: CacheSegment,
): StoredChannels {
  const { cache } = inputs;
  if (segment.channels === "all") return { width: cache.shape.headDim };
  if (segment.channels === "none") return { width: 0 };
  const cut = cutOf(inputs, stream);
  if (cut && !cut.enough) return { width: cut.widths[at.head]! };
  const { rows: _, ...stored } = cache.sizeOf(at, index);
  return stored;
}

const mostMoved = (heads: readonly HeadMove[]) => Math.max(...heads.map(({ moved }) => moved));

/** Where rows are in classes: chooses which of a layer's due rows go to the first one. */
async function orderRows(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
  { heads }: StreamMove,
): Promise<void> {
  const { classes, cache } = plan.inputs;
  if (!classes) return;
  const { first } = classes;
  cache.sync();
  const cuts = heads.flatMap((
    { moved, segments: [high] },
  ) => moved > 0 ? [0, first + moved, first + high!.to - high!.from, 0] : [0, 0, 0, 0]);
  device.write(plan.buffers.evict!.cuts, Uint32Array.from(cuts), 16 * heads[0]!.at.head);
  const maxRows = listLength(mostMoved(heads), first);
  await plan.run(orderDrafts(classes, plan, { ...at, maxRows }));
}

/** Pages for the rows' new places, the list of moves, and the pages that held them. */
function replacePages(device: Device, plan: Plan, move: StreamMove): TakenPage[] {
  const { cache, classes } = plan.inputs;
  const { headDim } = cache.shape;
  const { stream, compressed, full, heads } = move;
  const old: TakenPage[] = [];
  const nFirst = classes?.first ?? 0;
  const lists = moveTargets(move, classes).map(() => new Uint32Array(4 * heads.length));
  heads.forEach((head, i) => {
    if (head.moved === 0) return;
    const { at, moved } = head;
    let first = 0;
    for (let p = 0; p < pageCount(head.full); p++) {
      old.push(cache.table.take(cache.table.entryIndex({ ...at, entry: full.page + p })));
    }
    compressed.forEach((segment, c) => {
      const { from, to } = head.segments[c]!;
      const stored = storedChannels(plan, at, segment);
      old.push(...growCompressed(cache, { at, segment, from, to, ...stored }));
      lists[c]!.set([first, from, to - from, channelsWord(stored)], 4 * i);
      first += to - from;
    });
    for (let p = 0; p < pageCount(head.full - moved); p++) {
      const index = cache.table.entryIndex({ ...at, entry: full.page + p });
      cache.table.allocate(index, segmentPageBytes(full, { width: headDim, headDim }));
    }
    const rest = [nFirst + moved, nFirst, head.full - nFirst - moved, headDim];
    lists[compressed.length]!.set(rest, 4 * i);
    lists[compressed.length + 1]?.set([0, 0, nFirst, headDim], 4 * i);
  });
  const buffers = plan.buffers.compress!.moves[stream]!;
  const offset = 16 * heads[0]!.at.head;
  lists.forEach((data, i) => device.write(buffers[i]!, data, offset));
  return old;
}

/**
 * Pages of a compressed segment for rows `from` … `to`, the last cut behind its last unit. A page that was
 * cut is replaced by a larger one that begins with the same bytes.
 *
 * @returns the replaced page, if there was one
 */
export function growCompressed(
  cache: KvCache,
  options: StoredChannels & { at: HeadAt; segment: CacheSegment; from: number; to: number },
): TakenPage[] {
  const { at, segment, from, to } = options;
  const { table, shape: { headDim } } = cache;
  const replaced: TakenPage[] = [];
  for (let p = Math.floor(from / PAGE_ROWS); p < pageCount(to); p++) {
    const index = table.entryIndex({ ...at, entry: segment.page + p });
    const rows = Math.min(PAGE_ROWS, to - p * PAGE_ROWS);
    const bytes = segmentPageBytes(segment, { ...options, headDim, rows });
    const had = table.bytesAt(index);
    if (had >= bytes) continue;
    const kept = had > 0 ? table.take(index) : null;
    table.allocate(index, bytes);
    if (!kept) continue;
    table.copyInto(index, kept);
    replaced.push(kept);
  }
  return replaced;
}
