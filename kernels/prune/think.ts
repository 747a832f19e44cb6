import { channels, meanSquare, pruning } from "kerf/dsl";

/**
 * ThinK: drops the key channels that matter least to the last queries. A channel's share of the logits
 * is the outer product of its queries and keys, whose Frobenius norm is ‖q_j‖ · ‖k_j‖; the means of the
 * squares rank alike. Costs one pass over the prompt's keys; the recent rows and every decoded one keep all
 * channels, unless `every` bounds them at two to four times the divergence. Above ratio 0.6 needles in the pruned
 * span get lost.
 */
export default pruning({
  name: "think",
  source: "arXiv:2407.21018",
  params: {
    ratio: { default: 0.5, min: 0, max: 0.95, doc: "share of the key channels removed" },
    window: { default: 32, min: 1, max: 512, integer: true, doc: "last queries that score" },
    recent: { default: 32, min: 0, integer: true, doc: "last rows that stay whole" },
    every: { default: 0, min: 0, integer: true, doc: "decoded rows pruned at once; 0: none" },
    refresh: { default: 0, min: 0, max: 1, integer: true, doc: "1: other channels each time" },
    multiple: {
      default: 1,
      min: 1,
      max: 64,
      integer: true,
      doc: "round the kept count up to this",
    },
  },
  steps: [channels({
    of: "key",
    group: "mean",
    window: "window",
    score: (q, k) => meanSquare(q) * meanSquare(k),
    remove: "ratio",
    multiple: "multiple",
    protect: { last: "recent" },
    every: "every",
    refresh: "refresh",
  })],
});
