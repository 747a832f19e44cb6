import { rowwise } from "kerf/dsl";

/** Copies rows as 8-bit codes, which products of whole numbers read. */
export default rowwise({
  name: "quantize",
  inputs: { x: "row" },
  each: ({ x }) => x,
  stores: ["q8"],
});
