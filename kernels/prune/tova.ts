import { pruning, sum, tokens } from "kerf/dsl";

/**
 * TOVA: keeps the rows that the last query attends to, in the mean of a layer's heads; all heads of a
 * layer keep the same. The cheapest score that reads attention. It acts once a prompt has ended; with
 * `every=1` also at every decoded token, as in its paper.
 */
export default pruning({
  name: "tova",
  source: "arXiv:2401.06104",
  params: {
    budget: { default: 512, min: 1, integer: true, doc: "rows kept per KV head" },
    every: { default: 0, min: 0, integer: true, doc: "decoded tokens between evictions; 0: none" },
  },
  steps: [tokens({
    window: 1,
    score: ({ weights }) => sum(weights),
    group: "mean",
    scope: "layer",
    keep: "budget",
    every: "every",
    protect: { last: 1 },
  })],
});
