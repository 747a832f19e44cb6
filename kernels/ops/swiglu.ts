import { rowwise } from "kerf/dsl";

/** The gated unit of a feed-forward layer: y = silu(gate) · up, silu(x) = x / (1 + e^−x). */
export default rowwise({
  name: "swiglu",
  source: "arXiv:2002.05202",
  inputs: { gate: "row", up: "row" },
  each: ({ gate, up }) => gate / (1 + Math.exp(-gate)) * up,
});
