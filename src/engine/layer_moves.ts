/**
 * Which older rows of a layer of a slot are to move to the compressed segments of their streams: the oldest,
 * all but the last ones, in whole units where they are coded. A stream of one segment, and a head that has no
 * row to move, stay as they are. Moving them is move_layer.ts's.
 */

import { classRows, hasRowClasses } from "../layout/row_classes.ts";
import type { Layout, Segment, Stream } from "../layout/types.ts";
import type { HeadAt } from "./cache_shape.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { LayerAt, StreamName, StreamSegments } from "./compress_drafts.ts";
import type { Plan } from "./plan.ts";
import { rowSplit } from "./row_classes_plan.ts";

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
export interface HeadMove {
  readonly at: HeadAt;
  /** Full rows before, and how many of them move. */
  readonly full: number;
  readonly moved: number;
  /** Rows of each compressed segment before and after. */
  readonly segments: readonly { readonly from: number; readonly to: number }[];
}

/** A stream's move. */
export interface StreamMove extends StreamSegments {
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
export function layerMoves(
  plan: Plan,
  { slot, layer }: LayerAt,
  options: MoveOptions,
): StreamMove[] {
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
