/** The kinds of segments that layouts are made of: what a row stores there, as what, in which order. */

import type { CacheType, CodesRule } from "./steps.ts";
import type { Code, Segment } from "./types.ts";

const plain = (type: CacheType): Code => Object.freeze({ kind: type });

const segment = (
  channels: Segment["channels"],
  type: CacheType,
  tile: Segment["tile"],
): Segment =>
  Object.freeze({
    channels,
    fill: "zero",
    basis: "identity",
    code: plain(type),
    tile,
    flush: null,
  });

/** A segment that stores every channel. */
export const fullSegment = (type: CacheType, tile: Segment["tile"]): Segment =>
  segment("all", type, tile);

/** The segment of coded rows; `channels` as the stream's steps have it. */
export const codedSegment = (
  code: CodesRule["code"],
  channels: Segment["channels"],
  tile: Segment["tile"],
): Segment => {
  const coded = { ...segment(channels, "f16", tile), code };
  // Two classes of channels leave a third one without bits.
  return Object.freeze(
    code.low === undefined ? coded : { ...coded, channels: "list", fill: "mean" },
  );
};

/** A segment that stores the channels of a list per (layer, KV head). */
export const listSegment = (type: CacheType, tile: Segment["tile"]): Segment =>
  segment("list", type, tile);

/**
 * The segment of rows that each store channels of their own, with a bit for every channel in front; f16
 * whatever the stream's type is. What a row lacks reads as the channel's mean.
 */
export const SET_SEGMENT: Segment = Object.freeze({
  ...segment("bitmap", "f16", 1),
  fill: "mean",
});

/** The segment of rows of which nothing is stored, whatever the stream's type is: they read as their mean. */
export const EMPTY_SEGMENT: Segment = Object.freeze({ ...segment("none", "f16", 1), fill: "mean" });
