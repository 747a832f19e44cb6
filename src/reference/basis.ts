/** The Walsh-Hadamard basis as its definition reads, in f64: entry (i, j) is (−1)^popcount(i & j) / √n. */

const oddBits = (x: number): boolean => {
  let odd = false;
  for (let rest = x; rest > 0; rest &= rest - 1) odd = !odd;
  return odd;
};

/**
 * A head's channels in the other basis: f64 [headDim]. Turning twice gives back what there was.
 *
 * @throws {RangeError} headDim is no power of two
 *
 * @example
 * ```ts
 * import { turnReference } from "./mod.ts";
 * const turned = turnReference([1, 0, 0, 0]);
 * if (turned.some((x) => x !== 0.5)) throw new Error("a channel is spread over all");
 * ```
 */
export function turnReference(x: ArrayLike<number>): Float64Array {
  const n = x.length;
  if (!Number.isInteger(Math.log2(n))) {
    throw new RangeError(`Cannot turn ${n} channels: a Hadamard basis has a power of two`);
  }
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += oddBits(i & j) ? -x[j]! : x[j]!;
    return sum / Math.sqrt(n);
  });
}

/**
 * How far f32 may be from {@linkcode turnReference}, the same for every channel: the inputs' errors, and a
 * rounding of every sum on the way and of the scale.
 *
 * @param errors of `x`, per channel
 */
export function turnBound(x: ArrayLike<number>, errors: ArrayLike<number>): number {
  const root = Math.sqrt(x.length);
  const total = (of: ArrayLike<number>) => Array.from(of).reduce((a, b) => a + Math.abs(b), 0);
  return (total(errors) + (Math.log2(x.length) + 4) * 2 ** -24 * total(x)) / root;
}
