import { norm, pruning, queryMoments, tokens } from "kerf/dsl";

/**
 * Expected attention: keeps the rows that queries yet to come are expected to attend to, each by the norm of
 * its value. Queries are taken as a Gaussian, whose mean and covariance are summed up while they come, so
 * nothing of the prompt's own attention is needed. Costs headDim² products a query and as many a row where
 * it evicts, and headDim² numbers a query head; the first rows are sinks and stay.
 */
export default pruning({
  name: "expected_attention",
  source: "arXiv:2510.00636",
  params: {
    budget: { default: 512, min: 1, integer: true, doc: "rows kept per KV head, sinks included" },
    sinks: {
      default: 4,
      min: 0,
      integer: true,
      doc: "first rows: stay, their queries do not count",
    },
    ahead: { default: 512, min: 1, max: 65536, integer: true, doc: "positions of queries to come" },
    every: { default: 0, min: 0, integer: true, doc: "decoded tokens between evictions; 0: none" },
  },
  steps: [tokens({
    statistics: [queryMoments({ skip: "sinks", ahead: "ahead" })],
    score: ({ value }, { expected }) => expected * norm(value),
    group: "mean",
    keep: "budget",
    every: "every",
    protect: { first: "sinks" },
  })],
});
