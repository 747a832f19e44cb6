import { storage } from "kerf/dsl";

/** IEEE half: the bits as they are. */
export default storage({ name: "F16", packing: "f16", code: (b) => b[0]! | (b[1]! << 8) });
