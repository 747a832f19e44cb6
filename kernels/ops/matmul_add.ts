import { matmul } from "kerf/dsl";
import { rms } from "./_rms.ts";

/** y = residual + x · Wᵀ; y may be the residual's own buffer. */
export default matmul({
  name: "matmul_add",
  inputs: ["residual"],
  epilogue: (y, { residual }) => residual + y,
  stores: ["f32", "q8"],
  before: rms,
});
