import { f16ToF32, storage } from "kerf/dsl";

/** 32 values: d f16, m f16, the fifth bits u32, then nibbles; value = d · q + m. */
export default storage({
  name: "Q5_1",
  packing: "q8_f16_g32",
  code: (b, i) => {
    const low = i < 16 ? b[8 + i]! & 15 : b[8 + i - 16]! >> 4;
    const fifth = (b[4 + (i >> 3)]! >> (i & 7)) & 1;
    return low | (fifth << 4);
  },
  scale: (b) => f16ToF32(b[0]! | (b[1]! << 8)),
  offset: (b) => f16ToF32(b[2]! | (b[3]! << 8)),
});
