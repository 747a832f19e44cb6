import { byRow, codes, pruning, sum } from "kerf/dsl";

/**
 * Query-driven bits: the share `high` of the coded rows that the last queries attend to most keeps its values
 * in 4 bits, the others in 2; keys share a scale along rows of a channel. Rows are reordered by class, so
 * both classes grow and no bitmap is needed. Costs a softmax of the window over the cache whenever rows are
 * coded. What the window does not ask for is not lost, only coarser.
 */
export default pruning({
  name: "think_bits",
  params: {
    keys: { default: 4, min: 2, max: 8, integer: true, doc: "bits of a key's code: 2, 4 or 8" },
    high: { default: 0.25, min: 0, max: 1, doc: "share of the rows whose values have 4 bits" },
    window: { default: 32, min: 1, max: 512, integer: true, doc: "last queries that score" },
    group: { default: 64, min: 16, max: 128, integer: true, doc: "values that share a scale" },
    residual: {
      default: 64,
      min: 16,
      integer: true,
      doc: "rows coded at once; the last stay whole",
    },
  },
  steps: [
    codes({ of: "key", bits: "keys", along: "rows", group: "group", residual: "residual" }),
    codes({
      of: "value",
      bits: byRow({
        high: 4,
        low: 2,
        share: "high",
        window: "window",
        score: ({ weights }) => sum(weights),
        group: "mean",
      }),
      along: "channels",
      group: "group",
      residual: "residual",
    }),
  ],
});
