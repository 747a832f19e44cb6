/**
 * The layout algebra as an author writes it: a variant that wants its cache stored otherwise than its steps
 * imply declares the segments itself. The rules of src/layout/check.ts hold for it as for any other.
 */

import type { Layout, Segment } from "../layout/types.ts";

/** What an author gives of a segment; the rest has the value that most segments have. */
export type SegmentSpec =
  & Pick<Segment, "code">
  & Partial<Omit<Segment, "code">>;

/**
 * A segment: by default it stores every channel as it is, row-major, and keeps its rows.
 *
 * @example
 * ```ts
 * import { segment } from "kerf/dsl";
 * const pruned = segment({ channels: "list", code: { kind: "f16" }, tile: 16 });
 * if (pruned.fill !== "zero" || pruned.flush !== null) throw new Error("wrong defaults");
 * ```
 */
export function segment(spec: SegmentSpec): Segment {
  return Object.freeze({
    channels: "all",
    fill: "zero",
    basis: "identity",
    tile: 1,
    flush: null,
    ...spec,
  });
}

/** The segments of both streams, oldest rows first; new rows go to the last one of each. */
export interface LayoutSpec {
  readonly key: readonly Segment[];
  readonly value: readonly Segment[];
}

/** A layout of true positions without evicted rows. Rules are checked when a plan is made. */
export function layout({ key, value }: LayoutSpec): Layout {
  return Object.freeze({
    key: { segments: Object.freeze([...key]) },
    value: { segments: Object.freeze([...value]) },
    positions: "true",
    rowPositions: false,
    rowSums: false,
  });
}

export type { Code, Layout, Segment } from "../layout/types.ts";
export type { CacheTypes, StreamTiles } from "../layout/steps.ts";
