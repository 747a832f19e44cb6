/** Edits of what numbers become: 8-bit rows and their scales, what is no number, ties, means. */

import type { Mutant } from "./mutant.ts";

const CODED_ROWS = ["tests/parity/rowwise.ts"];

/** Rounding, ties, and what is no number. */
export const NUMBERS: readonly Mutant[] = [
  {
    name: "scales of 8-bit rows are not rounded up",
    file: "templates/c/kerf_store_q8.h",
    find: "KERF_Q8_ROUND = 0x1ffff",
    replace: "KERF_Q8_ROUND = 0",
    tests: CODED_ROWS,
    only: "gives the nearest codes",
    generated: true,
  },
  {
    name: "of equal words the last is wide",
    file: "templates/c/kerf_store_q8.h",
    find: "to->wide = size > largest ? w",
    replace: "to->wide = size >= largest ? w",
    tests: CODED_ROWS,
    only: "gives the nearest codes",
    generated: true,
  },
];
