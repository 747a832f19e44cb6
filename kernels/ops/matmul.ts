import { matmul } from "kerf/dsl";
import { rms } from "./_rms.ts";

/** y = x · Wᵀ. */
export default matmul({
  name: "matmul",
  epilogue: (y) => y,
  stores: ["f32", "largest"],
  after: rms,
});
