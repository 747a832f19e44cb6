import { pruning, sum, tokens } from "kerf/dsl";

/**
 * TOVA: keeps the rows that the last query attends to, in the mean of a layer's heads; all heads of a
 * layer keep the same. The cheapest score that reads attention. Here it acts once a prompt has ended; its
 * paper drops one row at every decoded token.
 */
export default pruning({
  name: "tova",
  source: "arXiv:2401.06104",
  params: {
    budget: { default: 512, min: 1, integer: true, doc: "rows kept per KV head" },
  },
  steps: [tokens({
    window: 1,
    score: ({ weights }) => sum(weights),
    group: "mean",
    scope: "layer",
    keep: "budget",
    protect: { last: 1 },
  })],
});
