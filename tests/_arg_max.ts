/** Rows of logits that can show what is wrong with a choice of the largest. */

import { randomFrom } from "./_kernel.ts";

const SPECIAL = [0, -0, 1, 1, -1, Infinity, -Infinity, NaN, 2 ** -149, -(2 ** -149)];

/**
 * Batches of rows of one width each, from 1 over the edges of vectors and blocks to the default model's
 * vocabulary: random ones, ones of few values (ties everywhere), and ones with a single largest or only
 * number at either end.
 */
export function argMaxRows(): number[][][] {
  return [1, 2, 15, 16, 17, 255, 257, 1023, 1025, 49152].map((width) => {
    const random = randomFrom(width);
    const row = (make: (i: number) => number) => Array.from({ length: width }, (_, i) => make(i));
    const special = () => SPECIAL[Math.floor((random() + 1) / 2 * SPECIAL.length)]!;
    const middle = Math.floor(width / 2);
    return [
      row(() => Math.fround(random())),
      row(special),
      row(() => -Math.abs(special())),
      row(() => -3),
      row(() => NaN),
      row((i) => i === middle ? -Infinity : NaN),
      row((i) => i === width - 1 ? -5 : i % 2 === 0 ? NaN : -6),
      row((i) => i === 0 ? 7 : i === width - 1 ? 7 : 6),
      row((i) => i === width - 1 ? 3e38 : -3e38),
      row((i) => i % 2 === 0 ? -0 : 0),
    ];
  });
}
