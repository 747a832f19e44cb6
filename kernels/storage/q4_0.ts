import { f16ToF32, storage } from "kerf/dsl";
import type { Bytes } from "kerf/dsl";

const d = (b: Bytes) => f16ToF32(b[0]! | (b[1]! << 8));

/** 32 values: d f16, then nibbles (low: values 0 … 15, high: 16 … 31); value = d · (q − 8). */
export default storage({
  name: "Q4_0",
  packing: "q4_f16_g32",
  code: (b, i) => i < 16 ? b[2 + i]! & 15 : b[2 + i - 16]! >> 4,
  scale: (b) => d(b),
  offset: (b) => -8 * d(b),
});
