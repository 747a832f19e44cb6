/** What templates read of a layout whose rows they walk tile by tile: sizes, segments, element types. */

import { ARENA_UNIT, PAGE_ROWS } from "../layout/types.ts";
import type { Layout } from "../layout/types.ts";
import { headFields } from "./signature_parts.ts";
import { checkStored } from "./stored.ts";

/** One segment of keys. */
export interface CacheSegmentContext {
  /** Its place among the keys' segments. */
  readonly index: string;
  /** Whether it stores the channels of a list. */
  readonly listed: boolean;
  /** Where its rows and its width stand among a head's fields of `heads`. */
  readonly rows_field: string;
  readonly width_field: string;
}

/** What templates/<target>/_cache_rows.* read. */
export interface CacheContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  readonly head_fields: string;
  readonly key_segments: readonly CacheSegmentContext[];
  readonly lists_channels: boolean;
  /** Whether keys are rotated by their place in the cache. */
  readonly cached: boolean;
  readonly key_code: "f16" | "f32";
  readonly value_code: "f16" | "f32";
}

/**
 * The context of a layout.
 *
 * @param kernel the kernel's name, for messages
 * @throws {KerfError} a segment is stored in a way that no kernel reads
 */
export function cacheContext(kernel: string, layout: Layout): CacheContext {
  const { key, value } = layout;
  const keyCodes = key.segments.map((segment) => checkStored(kernel, segment, { tile: 16 }));
  const valueCodes = value.segments.map((segment) => checkStored(kernel, segment, { tile: 1 }));
  const listed = key.segments.map((segment) => segment.channels === "list");
  return {
    page_rows: String(PAGE_ROWS),
    arena_unit: String(ARENA_UNIT),
    head_fields: headFields(layout),
    key_segments: listed.map((list, i) => ({
      index: String(i),
      listed: list,
      rows_field: String(2 * i),
      width_field: String(2 * i + 1),
    })),
    lists_channels: listed.includes(true),
    cached: layout.positions === "cache",
    key_code: keyCodes[0]!,
    value_code: valueCodes[0]!,
  };
}
