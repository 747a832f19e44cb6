/** Rows of one KV head as a cache is to hold them: which lose channels, which become codes, where segments begin. */

import type { Segment } from "../layout/mod.ts";

/**
 * Rows of one KV head: rows of [headDim]. The first `nListed` keys store only `channels`, or those of their own
 * `sets`, as many each; the first `nCoded` rows of a stream with a coded segment, keys without a list, are codes.
 */
export interface HeadRows {
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
  readonly nListed: number;
  readonly nCoded?: number;
  /** Of these, where they are in classes, those of the first class. */
  readonly nFirst?: number;
  readonly channels: readonly number[];
  readonly sets?: readonly (readonly number[])[];
  /** What every channel reads as that a row with a set lacks, f16. */
  readonly fills?: readonly number[];
  /** The same of values, where a segment of theirs stores a list; absent: as keys. */
  readonly nListedValues?: number;
  readonly valueChannels?: readonly number[];
  /** How many of `channels`, from the first on, are of the higher class of a segment that has two. */
  readonly high?: number;
  /** Both of keys in the second class of rows, which have a list of their own then; absent: as the first. */
  readonly second?: KeyList;
  /** True position of each row, where the layout stores them; absent: its place. */
  readonly positions?: readonly number[];
  /** Running sum of each row, where the layout stores them; absent: an eighth of its place. */
  readonly sums?: readonly number[];
}

/** The channels that coded keys of a head store, the first `high` of them in the higher class. */
export interface KeyList {
  readonly channels: readonly number[];
  readonly high?: number;
}

/** A head's rows of a stream that lose channels, and those that they keep in a segment, its `segment`-th. */
export function listed(
  head: HeadRows,
  stream: "key" | "value",
  segment = 0,
): KeyList & { readonly rows: number } {
  if (stream === "key") {
    const { channels, high } = segment === 1 ? head.second ?? head : head;
    return { rows: head.nListed, channels, ...(high === undefined ? {} : { high }) };
  }
  return {
    rows: head.nListedValues ?? head.nListed,
    channels: head.valueChannels ?? head.channels,
  };
}

/** The first row of each segment of a stream of a head, then its end. */
export function segmentStarts(
  head: HeadRows,
  segments: readonly Segment[],
  stream: "key" | "value",
): number[] {
  const { keys, nCoded = 0, nFirst = 0 } = head;
  if (segments.length < 2) return [0, keys.length];
  const compressed = segments[0]!.channels !== "all" ? listed(head, stream).rows : nCoded;
  return [0, ...(segments.length > 2 ? [nFirst] : []), compressed, keys.length];
}
