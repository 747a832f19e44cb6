import { byChannel, byRow, codes, meanSquare, pruning, sum } from "kerf/dsl";

/**
 * ThinK's question asked further: not which key channels to drop but how many bits each is worth, and not which
 * rows to evict but which keep their values in more bits. A channel's error shows in the logits as large as its
 * queries are: channels get 0, 2 or 4 bits where these errors sum to the least at `keys` bits a channel and
 * row, scales included; without bits a channel reads as its mean. The share `high` of the rows that the last
 * queries attend to most has values of 4 bits, the others of 2. Costs two passes over the keys that are coded
 * and a softmax of the window over the cache. What the window does not ask for is not lost, only coarser.
 */
export default pruning({
  name: "think_bits",
  params: {
    keys: { default: 2.5, min: 0, max: 8, doc: "bits of a key's channel on average" },
    high: { default: 0.25, min: 0, max: 1, doc: "share of the rows whose values have 4 bits" },
    window: { default: 32, min: 1, max: 512, integer: true, doc: "last queries that score" },
    group: { default: 64, min: 16, max: 128, integer: true, doc: "values that share a scale" },
    residual: {
      default: 64,
      min: 16,
      integer: true,
      doc: "rows coded at once; as many stay whole",
    },
  },
  steps: [
    codes({
      of: "key",
      bits: byChannel({
        choices: [0, 2, 4],
        average: "keys",
        weight: (q) => meanSquare(q),
        rows: "score",
        group: "mean",
        window: "window",
      }),
      along: "rows",
      group: "group",
      residual: "residual",
    }),
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
