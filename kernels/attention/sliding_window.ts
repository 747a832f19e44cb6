import { attention } from "kerf/dsl";

/** Sliding-window attention: a query sees itself and the `window` − 1 keys before it. */
export default attention({
  name: "sliding_window",
  source: "arXiv:2004.05150",
  params: { window: { default: 4096, min: 1, integer: true } },
  mask: (_, { queryPosition, keyPosition, window }) =>
    keyPosition <= queryPosition && keyPosition > queryPosition - window,
});
