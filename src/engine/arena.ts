/**
 * Allocation inside the cache's arena: ranges of 64-byte units, first fit from the low end, so the same
 * requests give the same places. Ranges never overlap and neighbours that are free are one range. Says
 * which whole memory pages of a freed range are empty; giving them back is the caller's.
 */

import { ARENA_UNIT } from "../layout/types.ts";

/** Bytes of a memory page of the operating system: what can be given back. */
const MEMORY_PAGE = 4096;

/** A range of arena units. */
export interface UnitRange {
  readonly start: number;
  readonly units: number;
}

/** Whole memory pages, in bytes from the arena's start. */
export interface ByteRange {
  readonly offset: number;
  readonly bytes: number;
}

/** A free list over `totalUnits` units. */
export class Arena {
  readonly totalUnits: number;
  /** Sorted by start; never adjacent, never empty. */
  #free: { start: number; end: number }[];
  #usedUnits = 0;

  constructor(totalUnits: number) {
    this.totalUnits = totalUnits;
    this.#free = totalUnits > 0 ? [{ start: 0, end: totalUnits }] : [];
  }

  /** Bytes of live allocations. */
  get allocatedBytes(): number {
    return this.#usedUnits * ARENA_UNIT;
  }

  /**
   * The first free place that holds `units` units: from unit `least` on, or else the first of all.
   *
   * @throws {RangeError} there is none
   */
  allocate(units: number, least = 0): number {
    const placeIn = (range: { start: number }) => Math.max(range.start, least);
    const index = this.#free.findIndex((range) => range.end - placeIn(range) >= units);
    if (index < 0 && least > 0) return this.allocate(units);
    const range = this.#free[index];
    if (!range) {
      throw new RangeError(
        `Cannot allocate ${units} units in the arena: ${this.#usedUnits} of ${this.totalUnits} are used`,
      );
    }
    const start = placeIn(range);
    const parts = [{ start: range.start, end: start }, { start: start + units, end: range.end }];
    this.#free.splice(index, 1, ...parts.filter((part) => part.start < part.end));
    this.#usedUnits += units;
    return start;
  }

  /**
   * Frees a range that {@linkcode allocate} gave.
   *
   * @throws {RangeError} part of it is free already or outside the arena
   */
  free({ start, units }: UnitRange): void {
    const end = start + units;
    let index = this.#lowerBound(start);
    const before = this.#free[index - 1];
    const after = this.#free[index];
    if (
      start < 0 || end > this.totalUnits || (before && before.end > start) ||
      (after && after.start < end)
    ) {
      throw new RangeError(`Cannot free units ${start} … ${end}: they are not all in use`);
    }
    this.#usedUnits -= units;
    const merged = {
      start: before?.end === start ? before.start : start,
      end: after?.start === end ? after.end : end,
    };
    if (before?.end === start) index--;
    const replaced = Number(before?.end === start) + Number(after?.start === end);
    this.#free.splice(index, replaced, merged);
  }

  /** The memory pages in which a range lies that was freed, and nothing that is in use. */
  emptied({ start, units }: UnitRange): ByteRange[] {
    const end = start + units;
    const ranges: ByteRange[] = [];
    for (let i = Math.max(0, this.#lowerBound(start) - 1); i < this.#free.length; i++) {
      const around = this.#free[i]!;
      if (around.start >= end) break;
      if (around.end <= start) continue;
      const pages = emptiedPages(
        { start: Math.max(start, around.start), end: Math.min(end, around.end) },
        around,
      );
      if (pages.bytes > 0) ranges.push(pages);
    }
    return ranges;
  }

  /** Index of the first free range that starts at or after `start`. */
  #lowerBound(start: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#free[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Memory pages that touch the freed units and lie wholly in the free range around them. */
function emptiedPages(
  freed: { start: number; end: number },
  around: { start: number; end: number },
): ByteRange {
  const unit = (n: number) => n * ARENA_UNIT;
  const down = (bytes: number) => Math.floor(bytes / MEMORY_PAGE) * MEMORY_PAGE;
  const up = (bytes: number) => Math.ceil(bytes / MEMORY_PAGE) * MEMORY_PAGE;
  const offset = Math.max(up(unit(around.start)), down(unit(freed.start)));
  const end = Math.min(down(unit(around.end)), up(unit(freed.end)));
  return { offset, bytes: Math.max(0, end - offset) };
}
