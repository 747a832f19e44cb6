import { f16ToF32, storage } from "kerf/dsl";
import { min6, scale6 } from "./q4_k.ts";

/**
 * 256 values: d f16, dmin f16, eight 6-bit scales and minima in 12 bytes, the fifth bits (32 bytes, bit
 * j of byte l for value l of sub-block j), then nibbles as Q4_K; value = d · scale · q − dmin · min.
 */
export default storage({
  name: "Q5_K",
  packing: "q8_f32_g32",
  code: (b, i) => {
    const low = (b[48 + (i >> 6) * 32 + (i & 31)]! >> (((i >> 5) & 1) * 4)) & 15;
    const fifth = (b[16 + (i & 31)]! >> (i >> 5)) & 1;
    return low | (fifth << 4);
  },
  scale: (b, i) => f16ToF32(b[0]! | (b[1]! << 8)) * scale6(b, 4, i >> 5),
  offset: (b, i) => -f16ToF32(b[2]! | (b[3]! << 8)) * min6(b, 4, i >> 5),
});
