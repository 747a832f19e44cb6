/** A cache of which kernels read the positions of rows alone: pages of values whose heads hold them. */

import { randomFrom } from "./_kernel.ts";

/** The layer and the slot that hold rows, and how many layers there are. */
export const [LAYER, N_LAYERS, SLOT] = [1, 2, 1];
/** Entries before those of values. */
export const VALUE_PAGE = 2;
/** Units of a page that holds positions and nothing else. */
const [PAGE_ROWS, PAGE_UNITS, UNIT_WORDS] = [128, 8, 16];

/** Ascending positions; some runs of them are missing. */
export function positionsOf(n: number): number[] {
  const random = randomFrom(n);
  let position = -1;
  return Array.from({ length: n }, () => position += random() > 0.6 ? 3 : 1);
}

/** Pages whose heads hold the positions, and the table of them. */
export function pagesOf(lists: readonly (readonly number[])[]) {
  const entries = VALUE_PAGE + Math.ceil(Math.max(...lists.map((own) => own.length)) / PAGE_ROWS);
  const nHeads = 2 * N_LAYERS * lists.length;
  const pages = Uint32Array.from({ length: nHeads * entries }, (_, i) => i * PAGE_UNITS);
  const arena = new Uint8Array(nHeads * entries * PAGE_UNITS * 64).fill(0xff);
  const words = new Int32Array(arena.buffer);
  lists.forEach((positions, kvHead) => {
    const head = (SLOT * N_LAYERS + LAYER) * lists.length + kvHead;
    positions.forEach((position, row) => {
      const page = pages[head * entries + VALUE_PAGE + Math.floor(row / PAGE_ROWS)]!;
      words[page * UNIT_WORDS + row % PAGE_ROWS] = position;
    });
  });
  return { pages, arena, page_entries: entries };
}
