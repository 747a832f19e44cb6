import { moveRows } from "kerf/dsl";

/**
 * Makes whole rows of coded ones on their way to another segment: code c of a group reads as scale · c +
 * minimum, a channel that is not stored as 0.
 */
export default moveRows({ name: "decode_rows", source: "arXiv:2402.02750", codes: "source" });
