import { pruning, sum, tokens } from "kerf/dsl";
import snapkv from "./snapkv.ts";

/**
 * PyramidKV: SnapKV's score with budgets that fall from the first layer to the last, since early layers
 * spread their attention and late ones gather it. `budget` is the mean over layers. The window is beside a
 * layer's share, as in the authors' code (kvpress counts it inside). A prompt shorter than the first
 * layer's share is split anew. Costs and limits are SnapKV's.
 */
export default pruning({
  name: "pyramidkv",
  source: "arXiv:2406.02069",
  params: {
    ...snapkv.params,
    beta: { default: 20, min: 1, doc: "mean share over the last one's" },
  },
  steps: [tokens({
    window: "window",
    score: ({ weights }) => sum(weights),
    pool: { kind: { meanIf: "average" }, width: "pool" },
    group: "mean",
    protect: { last: "window" },
    every: "every",
    keep: ({ layer, nLayers, nRows, budget, window, beta }) => {
      const each = budget! - window!;
      const most = Math.min(2 * each - each / beta!, nRows - window!);
      return Math.round(window! + most - layer * 2 * (most - each) / Math.max(1, nLayers - 1));
    },
  })],
});
