import { channels, meanSquare, pruning } from "kerf/dsl";

/**
 * Drops the key channels of the smallest norm, whatever the queries: the baseline that shows what the
 * queries add to ThinK (the paper's Table 1 calls it ℓ2).
 */
export default pruning({
  name: "key_norm_channels",
  source: "arXiv:2407.21018",
  params: {
    ratio: { default: 0.5, min: 0, max: 0.95, doc: "share of the key channels removed" },
    recent: { default: 32, min: 0, integer: true, doc: "last rows that stay whole" },
  },
  steps: [channels({
    of: "key",
    group: "mean",
    window: 1,
    score: (_q, k) => meanSquare(k),
    remove: "ratio",
    protect: { last: "recent" },
  })],
});
