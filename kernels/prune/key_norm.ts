import { norm, pruning, tokens } from "kerf/dsl";

/**
 * Keeps the rows whose keys are shortest: keys of small norm draw the most attention. One pass over the
 * keys, no queries, so it can be computed anywhere; it evicts a newest row as easily as an old one, and
 * loses most needles at half the rows.
 */
export default pruning({
  name: "key_norm",
  source: "arXiv:2406.11430",
  params: {
    budget: { default: 512, min: 1, integer: true, doc: "rows kept per KV head" },
    every: { default: 0, min: 0, integer: true, doc: "decoded tokens between evictions; 0: none" },
  },
  steps: [tokens({
    score: ({ key }) => -norm(key),
    group: "mean",
    keep: "budget",
    every: "every",
  })],
});
