import { pruning, tokens } from "kerf/dsl";

/**
 * StreamingLLM: keeps the first rows, which soak up attention, and the most recent ones. No score to speak
 * of and no cost; all between is lost. With `in_cache=1` keys are rotated by their place in the cache, as in
 * the paper: with `every` set, too, a sequence then outgrows the context at a constant cost.
 */
export default pruning({
  name: "streaming",
  source: "arXiv:2309.17453",
  params: {
    budget: { default: 512, min: 1, integer: true, doc: "rows kept per KV head, sinks included" },
    sinks: { default: 4, min: 0, integer: true, doc: "first rows that stay" },
    in_cache: { default: 0, min: 0, max: 1, integer: true, doc: "1: positions in the cache" },
    every: { default: 0, min: 0, integer: true, doc: "decoded tokens between evictions; 0: none" },
  },
  steps: [tokens({
    score: (_row, { position }) => position,
    group: "mean",
    keep: "budget",
    every: "every",
    positions: { cacheIf: "in_cache" },
    protect: { first: "sinks" },
  })],
});
