/**
 * Classes of coded rows: the values of a head's older rows lie in two segments of unlike codes, its keys in
 * two of the same code, so that both streams hold the same rows in the same order and either class can grow.
 * Rows are in that order, not in the order of their tokens.
 */

import { hasChannelClasses, unitRows } from "./bytes.ts";
import type { Layout } from "./types.ts";

/** How coded rows are split. */
export interface RowSplit {
  /** Of all coded rows those in the first class, 0 … 1. */
  readonly share: number;
  /** Rows that a class grows by at least. */
  readonly unit: number;
}

/** Whether older rows are in classes, and so in another order than their tokens. */
export const hasRowClasses = ({ value }: Pick<Layout, "value">): boolean =>
  value.segments.length > 2;

/**
 * How many lists of channels a head's keys have: one, or where their channels are in classes one for each
 * coded segment.
 */
export const keyLists = ({ key }: Pick<Layout, "key">): number =>
  Math.max(1, key.segments.filter(hasChannelClasses).length);

/** Parts that a head's coded rows are counted in where a class of them is priced. */
export const CLASS_PARTS = 256;

/**
 * The parts of a head's coded rows that its first list is priced by: a list has a price, whatever its share.
 *
 * @param share of the rows those in the first class, 0 … 1
 */
export const firstParts = (share: number): number =>
  Math.min(CLASS_PARTS - 1, Math.max(1, Math.round(share * CLASS_PARTS)));

/** How many rows a class of a layout grows by at least: keys share scales along so many. */
export const classUnit = ({ key }: Pick<Layout, "key">): number => unitRows(key.segments[0]!);

/**
 * How many of a head's coded rows lie in each compressed segment. A function of their number alone, so that
 * rows coded in many steps are split as those coded in one; no class loses a row when others come.
 *
 * @param split null: one segment has them all
 *
 * @example
 * ```ts
 * import { classRows } from "./mod.ts";
 * const rows = classRows({ share: 0.25, unit: 64 }, 640);
 * if (rows.join() !== "192,448") throw new Error("2.5 units round to 3");
 * ```
 */
export function classRows(split: RowSplit | null, rows: number): readonly number[] {
  if (split === null) return [rows];
  const units = Math.floor(rows / split.unit);
  const high = Math.floor(split.share * units + 0.5) * split.unit;
  return [high, rows - high];
}
