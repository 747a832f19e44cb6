import { meanSquare, rowwise } from "kerf/dsl";

/** Root-mean-square normalisation: y = x / √(mean(x²) + eps) · weight. */
export default rowwise({
  name: "rms_norm",
  source: "arXiv:1910.07467",
  inputs: { x: "row", weight: "vector" },
  params: { eps: { default: 1e-5, min: 0 } },
  reduce: ({ x }, { eps }) => 1 / Math.sqrt(meanSquare(x) + eps),
  each: ({ x, weight }, _, scale) => x * scale * weight,
});
