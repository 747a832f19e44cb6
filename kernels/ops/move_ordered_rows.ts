import { moveRows } from "kerf/dsl";

/**
 * Moves rows of a stream in an order of their own: which row comes one after the other is in `order`, so that
 * rows that lay by class stand in the order of their tokens again.
 */
export default moveRows({ name: "move_ordered_rows", ordered: true });
