import { norm, pruning, tokens } from "kerf/dsl";

/**
 * KeyDiff: keeps the rows whose keys are least like the mean of all keys, since alike keys hold the same
 * thing twice. Two passes over the keys and no queries; it knows nothing of what will be asked.
 */
export default pruning({
  name: "key_diff",
  source: "arXiv:2504.15364",
  params: {
    budget: { default: 512, min: 1, integer: true, doc: "rows kept per KV head" },
    every: { default: 0, min: 0, integer: true, doc: "decoded tokens between evictions; 0: none" },
  },
  steps: [tokens({
    anchor: "meanUnitKey",
    score: ({ key }, { anchorDot, anchorNorm }) =>
      -anchorDot / Math.max(anchorNorm * norm(key), 1e-8),
    group: "mean",
    keep: "budget",
    every: "every",
  })],
});
