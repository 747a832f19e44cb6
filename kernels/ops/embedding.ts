import { embedding } from "kerf/dsl";

/** Token embedding: row tokens[r] of the packed table. */
export default embedding({ name: "embedding", each: (x) => x });
