import { moveRows } from "kerf/dsl";

/**
 * Codes rows of a stream as encode_rows does, in an order of their own: which full rows come one after the
 * other is in `order`, so that rows of one class lie together.
 */
export default moveRows({ name: "encode_ordered_rows", codes: "destination", ordered: true });
