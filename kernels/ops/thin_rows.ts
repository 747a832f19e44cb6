import { setRows } from "kerf/dsl";

/**
 * Leaves each row of keys as many channels as the move says, its own: those with the largest score · (k −
 * fill)². Equal ones keep the lower channel; one that is no number goes first.
 */
export default setRows({ name: "thin_rows", source: "arXiv:2508.15212", whole: "source" });
