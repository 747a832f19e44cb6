import { codingLosses } from "kerf/dsl";

/**
 * What the first n_rows keys of a layer lose at each choice of bits, by channel: the mean square of what is off
 * with no bits, where a channel reads as its mean, in the low and in the high class.
 */
export default codingLosses({ name: "coding_losses" });
