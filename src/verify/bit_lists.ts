/**
 * The lists that bits of channels are chosen for, a head's one or two: which rows each goes by, which of them
 * choose and at what price, and what a choice leaves in the cache's buffers.
 */

import { CLASS_PARTS, classRows } from "../layout/row_classes.ts";
import type { RowSplit } from "../layout/row_classes.ts";

/** What a place holds that no kernel wrote. */
export const UNTOUCHED = 99;

/** Rows of each list: its class's own; all in the first one, where classes choose as one. */
export function dueOf(
  rows: readonly number[],
  { nLists, split, apart }: {
    readonly nLists: number;
    readonly split: RowSplit | null;
    readonly apart: boolean;
  },
): (readonly number[])[] {
  if (nLists === 1) return [rows];
  const [nFirst] = apart ? classRows(split, rows.length) : [rows.length];
  return [rows.slice(0, nFirst), rows.slice(nFirst)];
}

/** A list that chooses, and the parts of its head's rows that its bits are priced by. */
export interface Chooser {
  readonly kvHead: number;
  readonly list: number;
  readonly parts: number;
}

/** The lists that have rows, those of a head one after the other. */
export const choosersOf = (
  due: readonly (readonly (readonly number[])[])[],
  firstParts: number,
): Chooser[] =>
  due.flatMap((lists, kvHead) => {
    const own = [...lists.keys()].filter((list) => lists[list]!.length > 0);
    return own.map((list) => {
      const parts = list === 0 ? firstParts : CLASS_PARTS - firstParts;
      return { kvHead, list, parts: own.length === 1 ? CLASS_PARTS : parts };
    });
  });

/** The class of every channel of each list by its place there. */
export function classesOf(channels: Uint32Array, counts: Uint32Array, headDim: number): number[][] {
  return Array.from({ length: counts.length / 2 }, (_, i) => {
    const [stored, high] = counts.subarray(2 * i, 2 * i + 2);
    const classes = new Array<number>(headDim).fill(0);
    channels.subarray(i * headDim, (i + 1) * headDim).forEach((channel, place) => {
      if (channel < headDim) classes[channel] = place < high! ? 2 : place < stored! ? 1 : 0;
    });
    return classes;
  });
}

/** Lists as `select_bits` leaves them: each class ascending, the high one first, and what the others read as. */
export function listsOf(
  /** Of each list the classes of its channels, and whose means they have. */
  of: readonly { readonly classes: readonly number[]; readonly from: number }[],
  means: Float32Array,
  { headDim, start, length }: {
    readonly headDim: number;
    readonly start: number;
    readonly length: number;
  },
) {
  const channels = new Uint32Array(length).fill(UNTOUCHED);
  const fills = new Float32Array(length).fill(UNTOUCHED);
  const counts = of.map(({ classes, from }, i) => {
    const of = (wanted: number) => classes.flatMap((is, c) => is === wanted ? [c] : []);
    const stored = [...of(2), ...of(1)];
    const at = start + i * headDim;
    channels.set([...stored, ...of(0)], at);
    fills.set([...stored.map(() => 0), ...of(0).map((c) => means[from * headDim + c]!)], at);
    return [stored.length, of(2).length] as const;
  });
  return { channels, fills, counts };
}
