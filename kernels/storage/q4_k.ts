import { f16ToF32, storage } from "kerf/dsl";
import type { Bytes, i32 } from "kerf/dsl";

/** The 6-bit scale of sub-block j (0 … 7) of 32 values, from the 12 bytes at `at`. */
export const scale6 = (b: Bytes, at: i32, j: i32): i32 =>
  j < 4 ? b[at + j]! & 63 : (b[at + j + 4]! & 15) | ((b[at + j - 4]! >> 6) << 4);

/** The 6-bit minimum of sub-block j. */
export const min6 = (b: Bytes, at: i32, j: i32): i32 =>
  j < 4 ? b[at + j + 4]! & 63 : (b[at + j + 4]! >> 4) | ((b[at + j]! >> 6) << 4);

/**
 * 256 values: d f16, dmin f16, eight 6-bit scales and minima in 12 bytes, then nibbles in 32-byte runs
 * (low: the first 32 of a 64, high: the second); value = d · scale · q − dmin · min.
 */
export default storage({
  name: "Q4_K",
  packing: "q4_f32_g32",
  code: (b, i) => (b[16 + (i >> 6) * 32 + (i & 31)]! >> (((i >> 5) & 1) * 4)) & 15,
  scale: (b, i) => f16ToF32(b[0]! | (b[1]! << 8)) * scale6(b, 4, i >> 5),
  offset: (b, i) => -f16ToF32(b[2]! | (b[3]! << 8)) * min6(b, 4, i >> 5),
});
