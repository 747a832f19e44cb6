import { codingLosses } from "kerf/dsl";

/**
 * What the keys of a layer lose at each choice of bits, by channel, where rows come in the order of their
 * classes: groups are those that will be stored, and errors may count by the rows' scores. Otherwise
 * coding_losses.
 */
export default codingLosses({ name: "ordered_coding_losses", ordered: true });
