import { channels, meanSquare, pruning } from "kerf/dsl";

/**
 * SparK: every key keeps channels of its own, those that matter most to the last queries; a channel that it
 * lacks reads as a recovered value. The paper ranks a token's channels by |q_j| · |k_j| of the window's mean
 * query and draws missing values from a distribution that it keeps. Here a channel's queries weigh by their
 * mean square, missing values are the channel's mean over the prompt, the same on every run, and a channel is
 * worth what it is off that mean: with means of 0 the paper's order. Left out are its values' channels and its
 * budgets without a ratio. Costs headDim / 8 bytes a key beside the kept channels, and decoding must find
 * each key's channels; the recent keys and every decoded one stay whole.
 */
export default pruning({
  name: "spark",
  source: "arXiv:2508.15212",
  params: {
    ratio: { default: 0.5, min: 0, max: 0.95, doc: "share of each key's channels removed" },
    window: { default: 32, min: 1, max: 512, integer: true, doc: "last queries that score" },
    recent: { default: 32, min: 0, integer: true, doc: "last rows that stay whole" },
  },
  steps: [channels({
    of: "key",
    per: "row",
    group: "mean",
    window: "window",
    score: (q) => meanSquare(q),
    remove: "ratio",
    protect: { last: "recent" },
  })],
});
