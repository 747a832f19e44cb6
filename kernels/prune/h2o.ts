import { columnSums, pruning, tokens } from "kerf/dsl";

/**
 * H2O: keeps the rows that all queries so far have attended to most, the heavy hitters, and as many of the
 * most recent. Costs a second pass over the keys in every step and, with `every=1` as published, an eviction
 * a token. Early rows are seen by more queries and so have larger sums; what turns heavy late is lost. With
 * `in_cache=1` a sequence outgrows the context.
 */
export default pruning({
  name: "h2o",
  source: "arXiv:2306.14048",
  params: {
    budget: {
      default: 512,
      min: 1,
      integer: true,
      doc: "rows kept per KV head, half of them heavy",
    },
    every: { default: 1, min: 0, integer: true, doc: "decoded tokens between evictions; 0: none" },
    in_cache: { default: 0, min: 0, max: 1, integer: true, doc: "1: positions in the cache" },
  },
  steps: [tokens({
    statistics: [columnSums()],
    score: (_row, { attention }) => attention,
    group: "mean",
    keep: "budget",
    every: "every",
    positions: { cacheIf: "in_cache" },
    protect: { last: ({ budget }) => Math.ceil(budget! / 2) },
  })],
});
