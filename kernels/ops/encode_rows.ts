import { moveRows } from "kerf/dsl";

/**
 * Codes rows of a stream on their way to another segment, of the channels that the latter stores. A group's
 * scale is (largest − smallest) / (2^bits − 1), its minimum the smallest, f16 both; a code is the nearest
 * with these, halves to even.
 */
export default moveRows({ name: "encode_rows", source: "arXiv:2402.02750", codes: "destination" });
