/** Numbers as bf16, the upper half of an f32: what attention of 8-bit activations rounds factors and halves to. */

/** Below this in size a factor counts as 0: no product with a half is a subnormal f32. */
const LEAST_FACTOR = 2 ** -64;

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/**
 * The nearest bf16, ties to even.
 *
 * @example
 * ```ts
 * import { roundToBf16 } from "./mod.ts";
 * if (roundToBf16(1 + 1 / 256) !== 1) throw new Error("a tie goes to the even one");
 * ```
 */
export function roundToBf16(x: number): number {
  single[0] = x;
  if (Number.isNaN(x)) return x;
  bits[0] = (bits[0]! + 0x7fff + (bits[0]! >>> 16 & 1)) & 0xffff0000;
  return single[0];
}

/** A factor that meets halves, rounded: the nearest bf16, 0 where it is tiny. */
export const roundFactor = (x: number): number => Math.abs(x) < LEAST_FACTOR ? 0 : roundToBf16(x);

/** A factor rounded where its own last bits are unsure, as a weight's are: what it is, and how near another is. */
export interface UnsureFactor {
  readonly rounded: number;
  /** From this bf16 to the next. */
  readonly step: number;
  /** How far the nearest tie is, as a share of the factor. */
  readonly tie: number;
}

/** A factor that is positive, with the tie that is nearest to it. */
export function unsureFactor(x: number): UnsureFactor {
  const step = 2 ** (Math.floor(Math.log2(x)) - 7);
  const steps = x / step;
  return {
    rounded: roundFactor(x),
    step,
    tie: Math.abs(steps - Math.floor(steps) - 0.5) / steps,
  };
}
