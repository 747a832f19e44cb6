import { f16ToF32, storage } from "kerf/dsl";
import type { Bytes } from "kerf/dsl";

const d = (b: Bytes) => f16ToF32(b[0]! | (b[1]! << 8));

/** 32 values: d f16, then int8 q; value = d · q. Codes are stored as q + 128. */
export default storage({
  name: "Q8_0",
  packing: "q8_f16_g32",
  code: (b, i) => b[2 + i]! ^ 128,
  scale: (b) => d(b),
  offset: (b) => -128 * d(b),
});
