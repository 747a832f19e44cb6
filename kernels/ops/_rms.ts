import { splitNorm } from "kerf/dsl";
import type { f32 } from "kerf/dsl";

/** An element but for its row's scale. */
export const unscaled = (x: f32, weight: f32): f32 => x * weight;

/** What it adds to the sum of which the scale is made. */
export const square = (x: f32): f32 => x * x;

/** The root-mean-square norm (arXiv:1910.07467), as `rms_norm` has it: x · weight / √(mean(x²) + eps). */
export const rms = splitNorm({
  params: { eps: { default: 1e-5, min: 0 } },
  gain: unscaled,
  summed: square,
  scale: (sum, n, { eps }) => 1 / Math.sqrt(sum / n + eps),
});
