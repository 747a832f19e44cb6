import { rowwise } from "kerf/dsl";

/** y = x + residual. */
export default rowwise({
  name: "residual_add",
  inputs: { x: "row", residual: "row" },
  each: ({ x, residual }) => x + residual,
});
