import { rowwise } from "kerf/dsl";
import { square, unscaled } from "./_rms.ts";

/**
 * Rows of a root-mean-square norm but for their scale, which the product that reads them makes of the rows'
 * sums: what a product before that norm stores of its rows.
 */
export default rowwise({
  name: "gain",
  inputs: { x: "row", weight: "vector" },
  each: ({ x, weight }) => unscaled(x, weight),
  summed: ({ x }) => square(x),
  stores: ["q8"],
});
