import { f16ToF32, storage } from "kerf/dsl";
import type { Bytes, i32 } from "kerf/dsl";

/** d · the signed 8-bit scale of value i's sub-block of 16. */
const scaleOf = (b: Bytes, i: i32) =>
  f16ToF32(b[208]! | (b[209]! << 8)) * ((b[192 + (i >> 4)]! ^ 128) - 128);

/**
 * 256 values: low nibbles (128 bytes), upper two bits (64 bytes), sixteen int8 scales, d f16. In each
 * half of 128: value l + 32·t has its nibble in byte l + 32·(t & 1) (low for t < 2) and its upper bits
 * in byte l at 2·t; value = d · scale · (q − 32).
 */
export default storage({
  name: "Q6_K",
  packing: "q8_f32_g16",
  code: (b, i) => {
    const half = i >> 7;
    const t = (i >> 5) & 3;
    const low = (b[half * 64 + (t & 1) * 32 + (i & 31)]! >> ((t >> 1) * 4)) & 15;
    const high = (b[128 + half * 32 + (i & 31)]! >> (2 * t)) & 3;
    return low | (high << 4);
  },
  scale: (b, i) => scaleOf(b, i),
  offset: (b, i) => -32 * scaleOf(b, i),
});
