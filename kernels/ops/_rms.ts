import { splitNorm } from "kerf/dsl";

/** The root-mean-square norm (arXiv:1910.07467), as `rms_norm` has it: x · weight / √(mean(x²) + eps). */
export const rms = splitNorm({
  params: { eps: { default: 1e-5, min: 0 } },
  gain: (x, weight) => x * weight,
  summed: (x) => x * x,
  scale: (sum, n, { eps }) => 1 / Math.sqrt(sum / n + eps),
});
