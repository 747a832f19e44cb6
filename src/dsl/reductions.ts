/**
 * The reductions that ship, each declared as an author would declare it. Of an empty column sums and norms
 * are 0, means NaN.
 */

import { reduction } from "./reduction.ts";

/** Σ x. */
export const sum = reduction({
  name: "sum",
  init: 0,
  step: (acc, x) => acc + x,
  merge: (a, b) => a + b,
  finish: (acc) => acc,
});

/** Σ x / n. */
export const mean = reduction({
  name: "mean",
  init: 0,
  step: (acc, x) => acc + x,
  merge: (a, b) => a + b,
  finish: (acc, n) => acc / n,
});

/** Σ x². */
export const sumSquare = reduction({
  name: "sumSquare",
  init: 0,
  step: (acc, x) => acc + x * x,
  merge: (a, b) => a + b,
  finish: (acc) => acc,
});

/** Σ x² / n. */
export const meanSquare = reduction({
  name: "meanSquare",
  init: 0,
  step: (acc, x) => acc + x * x,
  merge: (a, b) => a + b,
  finish: (acc, n) => acc / n,
});

/** √Σ x². */
export const norm = reduction({
  name: "norm",
  init: 0,
  step: (acc, x) => acc + x * x,
  merge: (a, b) => a + b,
  finish: (acc) => Math.sqrt(acc),
});

/** Σ |x| / n. */
export const meanAbs = reduction({
  name: "meanAbs",
  init: 0,
  step: (acc, x) => acc + Math.abs(x),
  merge: (a, b) => a + b,
  finish: (acc, n) => acc / n,
});

/** max |x|; 0 for an empty column. */
export const maxAbs = reduction({
  name: "maxAbs",
  init: 0,
  step: (acc, x) => Math.max(acc, Math.abs(x)),
  merge: (a, b) => Math.max(a, b),
  finish: (acc) => acc,
});
