import { f16ToF32, storage } from "kerf/dsl";
import type { Bytes } from "kerf/dsl";

const d = (b: Bytes) => f16ToF32(b[0]! | (b[1]! << 8));

/** 32 values: d f16, the fifth bits u32, then nibbles; value = d · (q − 16). */
export default storage({
  name: "Q5_0",
  packing: "q8_f16_g32",
  code: (b, i) => {
    const low = i < 16 ? b[6 + i]! & 15 : b[6 + i - 16]! >> 4;
    const fifth = (b[2 + (i >> 3)]! >> (i & 7)) & 1;
    return low | (fifth << 4);
  },
  scale: (b) => d(b),
  offset: (b) => -16 * d(b),
});
