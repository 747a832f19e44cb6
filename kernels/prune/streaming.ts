import { pruning, tokens } from "kerf/dsl";

/**
 * StreamingLLM: keeps the first rows, which soak up attention, and the most recent ones. No score to speak
 * of and no cost; all between is lost. Rows keep their true positions, so the context's end stays where it
 * is.
 */
export default pruning({
  name: "streaming",
  source: "arXiv:2309.17453",
  params: {
    budget: { default: 512, min: 1, integer: true, doc: "rows kept per KV head, sinks included" },
    sinks: { default: 4, min: 0, integer: true, doc: "first rows that stay" },
    every: { default: 0, min: 0, integer: true, doc: "decoded tokens between evictions; 0: none" },
  },
  steps: [tokens({
    score: (_row, { position }) => position,
    group: "mean",
    keep: "budget",
    every: "every",
    protect: { first: "sinks" },
  })],
});
