import { matmul } from "kerf/dsl";

/** y = residual + x · Wᵀ; y may be the residual's own buffer. */
export default matmul({
  name: "matmul_add",
  inputs: ["residual"],
  epilogue: (y, { residual }) => residual + y,
});
