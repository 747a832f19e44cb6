import { basis, byChannel, byRow, codes, meanSquare, pruning, sum } from "kerf/dsl";
import type { Derived } from "kerf/dsl";

/** The measured split of a budget (docs/think_bits.md); 1: one so small that rows have 2 bits or none. */
const isSmall: Derived = ({ budget }) => Number(budget! < 0.11);
const highBits: Derived = (p) => p.bits! < 0 ? 4 - 2 * isSmall(p) : p.bits!;
const lowBits: Derived = (p) => p.low! < 0 ? 2 - 2 * isSmall(p) : p.low!;
const highOf: Derived = (p) => {
  const spare = (32 * p.budget! - 5.8 - 32 / p.group! - 32 / p.valueGroup!) / 2;
  const share = isSmall(p) ? 0.75 : Math.max((3.6 * (p.budget! - 0.05)) ** 2, spare);
  return p.high! < 0 ? Math.min(1, share) : p.high!;
};
const keysOf: Derived = (p) => {
  const [high, low] = [highBits(p), lowBits(p)].map((bits) => bits && bits + 32 / p.valueGroup!);
  return p.keys! < 0 ? Math.max(0, 32 * p.budget! - low! - (high! - low!) * highOf(p)) : p.keys!;
};
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
    budget: { default: 0.16, min: 0.08, max: 0.28, doc: "share of f16 bytes that coded rows keep" },
    keys: { default: -1, min: -1, max: 8, doc: "bits of a key's channel; below 0: by budget" },
    high: { default: -1, min: -1, max: 1, doc: "share of high rows; below 0: by budget" },
    bits: { default: -1, min: -1, max: 8, integer: true, doc: "of high rows' values; below 0: so" },
    low: {
      default: -1,
      min: -1,
      max: 8,
      integer: true,
      doc: "of the others; 0: none; below 0: so",
    },
    scored: { default: 1, min: 0, max: 1, integer: true, doc: "1: errors go by rows' scores" },
    turned: { default: 0, min: 0, max: 1, integer: true, doc: "1: values in a Hadamard basis" },
    window: { default: 32, min: 1, max: 512, integer: true, doc: "last queries that score" },
    first: { default: 4, min: 0, integer: true, doc: "first rows, never coded" },
    group: { default: 64, min: 16, max: 128, integer: true, doc: "keys that share a scale" },
    valueGroup: { default: 64, min: 16, max: 128, integer: true, doc: "of a row's values" },
    residual: { default: 64, min: 16, integer: true, doc: "last rows, never coded" },
    every: { default: 64, min: 0, integer: true, doc: "decoded rows coded at once; 0: none" },
  },
  steps: [
    basis({ of: "value", if: "turned" }),
    codes({
      ...{ of: "key", along: "rows", group: "group", ...when },
      bits: byChannel({
        choices: [0, 2, 4],
        average: keysOf,
        weight: (q) => meanSquare(q),
        rows: { scoreIf: "scored", mean: 0.2 },
        group: "mean",
        window: "window",
      }),
    }),
    codes({
      ...{ of: "value", along: "channels", group: "valueGroup", ...when },
      bits: byRow({
        ...{ high: highBits, low: lowBits, share: highOf, group: "mean", window: "window" },
        score: ({ weights }) => sum(weights),
        protect: { first: "first" },
      }),
    }),
  ],
});
