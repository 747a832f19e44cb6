/** Bytes of pages for row counts: the same page arithmetic as the cache and its compression. */

import { arenaBytes } from "../layout/bytes.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../layout/types.ts";
import { CLASS_PARTS, classRows } from "../layout/row_classes.ts";
import { cacheSegments, segmentPageBytes } from "./cache_shape.ts";
import type { CacheSegment } from "./cache_shape.ts";
import type { ChannelBudget } from "./channel_bits_plan.ts";
import type { StreamName } from "./compress_drafts.ts";
import { STREAMS } from "./forecast_rows.ts";
import { cutOf } from "./prune_layer.ts";
import type { ForecastShape, HeadRows } from "./forecast_rows.ts";
import { rowSplit } from "./row_classes_plan.ts";

/**
 * A head's share of what a page of every KV head of a layer may take: which head has how many channels is
 * not known, only that their bits are within the budget. Each page is rounded up to a unit of its own.
 *
 * @param average bits of a group of a channel
 */
function boundedPageBytes(
  average: number,
  { headDim, group, rows }: {
    readonly headDim: number;
    readonly group: number;
    readonly rows: number;
  },
): number {
  return rows === 0 ? 0 : arenaBytes(Math.ceil(rows / group) * headDim * average / 8) + ARENA_UNIT;
}

/**
 * Bits of a group of a channel on average, by list, at which a head's rows take the most that its budget lets
 * them: it is spent on the list whose rows are the most for their price first.
 *
 * @param rows of each list
 */
export function dearestAverages(
  { average, highPrice, firstParts }: Pick<ChannelBudget, "average" | "highPrice" | "firstParts">,
  rows: readonly number[],
): readonly number[] {
  if (firstParts === null) return rows.map(() => average);
  const parts = rows.map((_, list) => list === 0 ? firstParts : CLASS_PARTS - firstParts);
  const order = rows.map((_, list) => list)
    .sort((a, b) => rows[b]! / parts[b]! - rows[a]! / parts[a]!);
  const averages = rows.map(() => 0);
  let left = average * CLASS_PARTS;
  for (const list of order) {
    averages[list] = Math.min(highPrice, left / parts[list]!);
    left -= averages[list]! * parts[list]!;
  }
  return averages;
}

/** Bytes of the pages of `rows` rows, the last of which is cut. */
const pagesBytes = (rows: number, page: (rows: number) => number): number =>
  Math.floor(rows / PAGE_ROWS) * page(PAGE_ROWS) + page(rows % PAGE_ROWS);

/** Byte counts of pages in a cache of a shape. */
export class PageBytes {
  readonly #shape: ForecastShape;
  readonly #segments: Readonly<Record<StreamName, readonly CacheSegment[]>>;

  constructor(shape: ForecastShape) {
    this.#shape = shape;
    const segments = cacheSegments(shape.layout, 0);
    const of = (stream: StreamName) => segments.filter((segment) => segment.stream === stream);
    this.#segments = { key: of("key"), value: of("value") };
  }

  #full(stream: StreamName, rows: number): number {
    const { headDim } = this.#shape;
    const segment = this.#segments[stream].at(-1)!;
    return pagesBytes(
      rows,
      (own) => segmentPageBytes(segment, { width: headDim, headDim, rows: own }),
    );
  }

  /** Rows in each compressed segment of a stream, which has `rows` of them. */
  #split(stream: StreamName, rows: number): readonly number[] {
    const { classes, layout } = this.#shape;
    return this.#segments[stream].length > 1 ? classRows(rowSplit(classes, layout), rows) : [];
  }

  /**
   * Of the `index`-th segment of a head, a compressed one, whose last page is cut.
   *
   * @param average bits of a group of its channels, where these are in classes
   */
  #segment(
    stream: StreamName,
    index: number,
    { head, rows, average }: { head: number; rows: number; average: number | undefined },
  ): number {
    const segment = this.#segments[stream][index]!;
    const { headDim, bits } = this.#shape;
    const { channels } = segment.segment;
    const cut = channels === "all" || channels === "none" ? null : cutOf(this.#shape, stream);
    const width = channels === "none" ? 0 : cut ? cut.widths[head]! : headDim;
    return pagesBytes(
      rows,
      (own) =>
        bits && average !== undefined
          ? boundedPageBytes(average, { headDim, group: bits.group, rows: own })
          : segmentPageBytes(segment, { width, headDim, rows: own }),
    );
  }

  /** Of all compressed segments of a stream of a head. */
  #compressed(stream: StreamName, head: number, rows: number): number {
    const split = this.#split(stream, rows);
    const averages = this.#averages(stream, split);
    return split.reduce(
      (sum, own, index) =>
        sum + this.#segment(stream, index, { head, rows: own, average: averages?.[index] }),
      0,
    );
  }

  /** What the channels of coded segments may take on average, all of them together; absent: as their widths say. */
  #averages(stream: StreamName, rows: readonly number[]): readonly number[] | undefined {
    const { bits } = this.#shape;
    const [first] = this.#segments[stream];
    return bits && first?.segment.fill === "mean" ? dearestAverages(bits, rows) : undefined;
  }

  /** Of a page of each stream to which new rows go, and of what is coded at once. */
  get started(): number {
    return STREAMS.reduce((sum, stream) => {
      const { flush } = this.#segments[stream].at(-1)!.segment;
      return sum + this.#full(stream, 1 + (flush?.rows ?? 0));
    }, 0);
  }

  /** Of all rows of a head. */
  head(head: number, rows: HeadRows): number {
    return STREAMS.reduce(
      (sum, stream) =>
        sum + this.#full(stream, rows.rows - rows[stream]) +
        this.#compressed(stream, head, rows[stream]),
      0,
    );
  }

  /** What rows take beside coded ones as which they were stored. */
  expanded(before: HeadRows, after: HeadRows): number {
    return STREAMS.filter((stream) => after[stream] < before[stream])
      .reduce((sum, stream) => sum + this.#full(stream, after.rows), 0);
  }

  /** What a move of older rows writes beside what it reads. */
  moved(head: number, before: HeadRows, after: HeadRows): number {
    return STREAMS.filter((stream) => after[stream] > before[stream]).reduce((sum, stream) => {
      const split = this.#split(stream, after[stream]);
      const own = this.#split(stream, before[stream]).map((from, index) =>
        // Which list the budget is spent on is not known: on this one, as if no other had rows.
        this.#grown(stream, index, {
          ...{ head, from, to: split[index]! },
          average: this.#averages(stream, split.map((_, i) => Number(i === index)))?.[index],
        })
      );
      return sum + this.#full(stream, after.rows - after[stream]) + own.reduce((a, b) => a + b, 0);
    }, 0);
  }

  /** By how much the pages of a compressed segment of a head grow. */
  #grown(
    stream: StreamName,
    index: number,
    { from, to, ...of }: { head: number; from: number; to: number; average: number | undefined },
  ): number {
    const bytes = (rows: number) => this.#segment(stream, index, { ...of, rows });
    // Pages that are only bounded may have been rounded up to a unit less before, and to one more now.
    const rounding = of.average === undefined || from % PAGE_ROWS === 0 ? 0 : 2 * ARENA_UNIT;
    return bytes(to) - bytes(from) + rounding;
  }
}
