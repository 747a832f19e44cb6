import { rowwise } from "kerf/dsl";

/** Copies the rows whose logits are wanted. */
export default rowwise({
  name: "gather_rows",
  inputs: { x: "row" },
  rows: "listed",
  each: ({ x }) => x,
});
