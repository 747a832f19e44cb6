import { meanRows } from "kerf/dsl";

/**
 * Takes the mean of values that lose all their bits, rounded to f16: what every row of their segment reads as from
 * its first rows on. Rows that join others read as those do. What rows carry moves along.
 */
export default meanRows({ name: "average_rows", whole: "source" });
