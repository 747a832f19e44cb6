import { moveRows } from "kerf/dsl";

/** Moves rows of a stream from one segment to another, keeping the channels the latter stores. */
export default moveRows({ name: "move_rows" });
