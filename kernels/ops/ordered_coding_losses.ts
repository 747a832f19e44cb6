import { codingLosses } from "kerf/dsl";

/**
 * What the keys of a layer lose at each choice of bits, by channel, where rows come in the order of their
 * classes, those of each list by themselves: groups are those that will be stored, and errors may count by the
 * rows' scores and, where both lists have rows, a share of these' mean. Otherwise coding_losses.
 */
export default codingLosses({ name: "ordered_coding_losses", ordered: true });
