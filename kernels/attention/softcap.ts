import { attention } from "kerf/dsl";

/** Causal attention whose logits are squashed into (−cap, cap), as Gemma 2 does. */
export default attention({
  name: "softcap",
  source: "arXiv:2408.00118",
  params: { cap: { default: 50, min: 1 } },
  score: (s, { cap }) => cap * Math.tanh(s / cap),
  mask: (_, { queryPosition, keyPosition }) => keyPosition <= queryPosition,
});
