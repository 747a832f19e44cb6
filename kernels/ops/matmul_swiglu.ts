import { matmul } from "kerf/dsl";
import { rms } from "./_rms.ts";

/** The gated unit of a feed-forward layer: y = silu(x · gateᵀ) · (x · upᵀ), silu(g) = g / (1 + e^−g). */
export default matmul({
  name: "matmul_swiglu",
  source: "arXiv:2002.05202",
  products: ["gate", "up"],
  epilogue: ({ gate, up }) => gate / (1 + Math.exp(-gate)) * up,
  stores: ["f32", "q8"],
  after: rms,
});
