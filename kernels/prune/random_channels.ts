import { channels, pruning, random } from "kerf/dsl";

/** Drops key channels at random, by a seed: the baseline that any score must beat. */
export default pruning({
  name: "random_channels",
  params: {
    ratio: { default: 0.5, min: 0, max: 0.95, doc: "share of the key channels removed" },
    recent: { default: 32, min: 0, integer: true, doc: "last rows that stay whole" },
    seed: { default: 0, min: 0, max: 2147483647, integer: true, doc: "of the random numbers" },
  },
  steps: [channels({
    of: "key",
    group: "mean",
    window: 1,
    score: (_q, _k, { seed, layer, kvHead, channel }) => random(seed, layer, kvHead, channel),
    remove: "ratio",
    protect: { last: "recent" },
  })],
});
