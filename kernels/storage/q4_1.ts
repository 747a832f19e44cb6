import { f16ToF32, storage } from "kerf/dsl";

/** 32 values: d f16, m f16, then nibbles (low: values 0 … 15, high: 16 … 31); value = d · q + m. */
export default storage({
  name: "Q4_1",
  packing: "q4_f16_g32",
  code: (b, i) => i < 16 ? b[4 + i]! & 15 : b[4 + i - 16]! >> 4,
  scale: (b) => f16ToF32(b[0]! | (b[1]! << 8)),
  offset: (b) => f16ToF32(b[2]! | (b[3]! << 8)),
});
