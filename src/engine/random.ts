/**
 * The sampler's random numbers: a small generator whose whole state is one 32-bit counter, so a seed
 * gives the same tokens everywhere. Not for cryptography.
 */

/**
 * Uniform numbers in [0, 1) with 53 random bits, from a 32-bit seed: a Weyl sequence through the
 * lowbias32 mixer (Chris Wellons, "Prospecting for Hash Functions", nullprogram.com, 2018).
 *
 * @example
 * ```ts
 * import { randomSource } from "./random.ts";
 * const [a, b] = [randomSource(7), randomSource(7)];
 * if (a() !== b()) throw new Error("not repeatable");
 * ```
 */
export function randomSource(seed: number): () => number {
  let counter = seed >>> 0;
  const word = () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    const x1 = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
    const x2 = Math.imul(x1 ^ (x1 >>> 15), 0x735a2d97);
    return (x2 ^ (x2 >>> 15)) >>> 0;
  };
  return () => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53;
}
