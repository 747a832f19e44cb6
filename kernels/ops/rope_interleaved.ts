import { pairwise } from "kerf/dsl";
import { rotate } from "./rope_half.ts";

/** Rotary position embedding, channel 2i paired with 2i + 1 (the order of llama GGUF files). */
export default pairwise({
  name: "rope_interleaved",
  source: "arXiv:2104.09864",
  pairing: "interleaved",
  rotate,
});
