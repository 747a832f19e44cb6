import { basis, byChannel, byRow, codes, meanSquare, pruning, sum } from "kerf/dsl";
import { highBits, highShare, keyBits, lowBits, splitParams } from "./_split.ts";

const seen = { group: "mean", window: "window" } as const;
const channels = { average: keyBits, rows: { scoreIf: "scored", mean: 0.2 } };
const classes = { high: highBits, low: lowBits, share: highShare, protect: { first: "first" } };
const when = { residual: "residual", unit: "group", every: "every" };

/**
 * ThinK's question asked further: not which key channels to drop but how many bits each is worth, and not which
 * rows to evict but which keep their values in more bits. A channel's error shows in the logits as large as its
 * queries are: channels get 0, 2 or 4 bits where these errors, by their rows' scores, sum to the least at `keys`
 * bits a channel and row, scales included; without bits a channel reads as its mean. The share `high` of the rows
 * that the last queries attend to most has values of 4 bits, the others of 2; below a budget of 0.11 of 2 and of
 * none, which read as their mean. Each has bits of channels of its own. `budget` splits itself; only rows that are
 * coded count. Costs two passes over the keys that are coded and a softmax of the window. What the window does not
 * ask for is only coarser; below 0.12 needles get lost. `turned=1` codes values in a Hadamard basis, which is worth
 * up to a quarter; heads must have 2ⁿ channels.
 */
export default pruning({
  name: "think_bits",
  params: {
    ...splitParams,
    scored: { default: 1, min: 0, max: 1, integer: true, doc: "1: errors go by rows' scores" },
    turned: { default: 0, min: 0, max: 1, integer: true, doc: "1: values in a Hadamard basis" },
    window: { default: 32, min: 1, max: 512, integer: true, doc: "last queries that score" },
    first: { default: 4, min: 0, integer: true, doc: "first rows, never coded" },
    residual: { default: 64, min: 16, integer: true, doc: "last rows, never coded" },
    every: { default: 64, min: 0, integer: true, doc: "decoded rows coded at once; 0: none" },
  },
  steps: [
    basis({ of: "value", if: "turned" }),
    codes({
      ...{ of: "key", along: "rows", group: "group", ...when },
      bits: byChannel({ choices: [0, 2, 4], ...channels, ...seen, weight: (q) => meanSquare(q) }),
    }),
    codes({
      ...{ of: "value", along: "channels", group: "valueGroup", ...when },
      bits: byRow({ ...classes, ...seen, score: ({ weights }) => sum(weights) }),
    }),
  ],
});
