import { channels, meanSquare, pruning } from "kerf/dsl";

/**
 * ThinK for values: drops the value channels that the last queries get least out of. A channel's share of
 * attention's output is softmax(q·kᵀ/√headDim)·v_j over those queries; its square, averaged over the group's
 * heads, ranks as the norm of all of them. Missing channels read as zero. Costs one attention of the window
 * over the prompt. Hurts more than dropping keys: 0.5 costs 1.7 times think's divergence at 0.5.
 */
export default pruning({
  name: "think_values",
  source: "arXiv:2407.21018",
  params: {
    ratio: { default: 0.3, min: 0, max: 0.95, doc: "share of the value channels removed" },
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
    of: "value",
    group: "mean",
    window: "window",
    score: (output) => meanSquare(output),
    remove: "ratio",
    multiple: "multiple",
    protect: { last: "recent" },
    every: "every",
    refresh: "refresh",
  })],
});
