import { matmul } from "kerf/dsl";
import { rms } from "./_rms.ts";
import { rotate } from "./rope_half.ts";

/** y = x · Wᵀ. */
export default matmul({
  name: "matmul",
  epilogue: (y) => y,
  stores: ["f32", "largest", "cache"],
  after: rms,
  rotate,
});
