import { setRows } from "kerf/dsl";

/** Makes whole rows of keys that have channels of their own: a channel that a row lacks reads as its fill. */
export default setRows({ name: "fill_rows", source: "arXiv:2508.15212", whole: "destination" });
