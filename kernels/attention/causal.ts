import { attention } from "kerf/dsl";

/** Causal attention: a query sees every key up to its own position. */
export default attention({
  name: "causal",
  source: "arXiv:1706.03762",
  mask: (_, { queryPosition, keyPosition }) => keyPosition <= queryPosition,
});
