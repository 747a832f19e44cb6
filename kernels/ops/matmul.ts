import { matmul } from "kerf/dsl";

/** y = x · Wᵀ. */
export default matmul({ name: "matmul", epilogue: (y) => y });
