/** What templates read of a layout whose rows they walk tile by tile: sizes, segments, element types. */

import { ARENA_UNIT, PAGE_ROWS } from "../layout/types.ts";
import { hasRowClasses } from "../layout/row_classes.ts";
import type { Layout } from "../layout/types.ts";
import { headFields } from "./signature_parts.ts";
import { checkStored, storedCode } from "./stored.ts";
import type { StoredCode } from "./stored.ts";

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
  /** Whether only full rows are walked, and counted from the first of them. */
  readonly full_rows: boolean;
  /** Whether keys are rotated by their place in the cache. */
  readonly cached: boolean;
  /** Whether pages of values begin with their rows' positions; else a full row's place is its position. */
  readonly row_positions: boolean;
  /** Whether running sums stand behind these. */
  readonly row_sums: boolean;
  /** Whether rows carry positions and lie in classes: then values have the segments of keys. */
  readonly class_positions: boolean;
  /** How older keys are coded; null: all lie as they are. */
  readonly coded_keys: StoredCode | null;
  /** Whether channels that coded keys lack read as their means. */
  readonly fills_means: boolean;
  /** The segment of values that full rows are in. */
  readonly value_segment: string;
  /** Of full rows. */
  readonly key_code: "f16" | "f32";
  readonly value_code: "f16" | "f32";
}

/**
 * The context of a layout.
 *
 * @param kernel the kernel's name, for messages
 * @param options.fullRows compressed rows are left out
 * @throws {KerfError} a segment is stored in a way that no kernel reads
 */
export function cacheContext(
  kernel: string,
  layout: Layout,
  { fullRows = false }: { readonly fullRows?: boolean } = {},
): CacheContext {
  const { key, value } = layout;
  // Other codes are made whole before their rows are walked.
  const coded = hasRowClasses(layout) ? storedCode(kernel, key.segments[0]!, "key") : null;
  const plain = <T>(segments: readonly T[]) => coded === null ? segments : segments.slice(-1);
  const keyCodes = plain(key.segments).map((s) => checkStored(kernel, s, { tile: 16 }));
  const valueCodes = plain(value.segments).map((s) => checkStored(kernel, s, { tile: 1 }));
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
    lists_channels: listed.includes(true) && !fullRows,
    full_rows: fullRows,
    cached: layout.positions === "cache",
    row_positions: layout.rowPositions,
    row_sums: layout.rowSums,
    class_positions: layout.rowPositions && hasRowClasses(layout),
    coded_keys: coded,
    fills_means: key.segments.some(({ fill }) => fill === "mean") && !fullRows,
    value_segment: String(value.segments.length - 1),
    key_code: keyCodes[0]!,
    value_code: valueCodes[0]!,
  };
}
