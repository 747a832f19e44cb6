import { pairwise } from "kerf/dsl";
import type { Pair } from "kerf/dsl";

/** Rotates a pair of channels by its angle. */
export const rotate = ({ a, b, cos, sin }: Pair): [number, number] => [
  a * cos - b * sin,
  b * cos + a * sin,
];

/** Rotary position embedding, channel c paired with c + headDim/2 (Hugging Face's order). */
export default pairwise({ name: "rope_half", source: "arXiv:2104.09864", pairing: "half", rotate });
