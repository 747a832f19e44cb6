import { storage } from "kerf/dsl";

/** The upper half of an IEEE single: the bits as they are. */
export default storage({ name: "BF16", packing: "bf16", code: (b) => b[0]! | (b[1]! << 8) });
