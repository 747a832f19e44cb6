import { pruning, sum, tokens } from "kerf/dsl";

/**
 * SnapKV: keeps the rows that the last queries of the prompt attend to, with their neighbours. Costs one
 * softmax of the window over the prompt at the end of prefill. What the window does not ask for is lost:
 * a question that comes after compression finds few needles. kvpress: window=64,pool=5,average=1.
 */
export default pruning({
  name: "snapkv",
  source: "arXiv:2404.14469",
  params: {
    budget: { default: 512, min: 1, integer: true, doc: "rows kept per KV head, window included" },
    window: { default: 32, min: 1, max: 512, integer: true, doc: "last queries: score, and stay" },
    pool: { default: 7, min: 1, max: 255, integer: true, doc: "neighbours that meet, odd" },
    average: { default: 0, min: 0, max: 1, integer: true, doc: "1: neighbours meet in their mean" },
    every: { default: 0, min: 0, integer: true, doc: "decoded tokens between evictions; 0: none" },
  },
  steps: [tokens({
    window: "window",
    score: ({ weights }) => sum(weights),
    pool: { kind: { meanIf: "average" }, width: "pool" },
    group: "mean",
    keep: "budget",
    every: "every",
    protect: { last: "window" },
  })],
});
