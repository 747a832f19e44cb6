import { storage } from "kerf/dsl";

/** IEEE single: the bits as they are. */
export default storage({
  name: "F32",
  packing: "f32",
  code: (b) => b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24),
});
