import { attention, table } from "kerf/dsl";

/**
 * Attention with linear biases: a key counts less the further it lies behind, by a slope per head.
 * Slopes are the paper's geometric series, with its interleaving when nHeads is no power of two.
 */
export default attention({
  name: "alibi",
  source: "arXiv:2108.12409",
  tables: {
    slopes: table({
      shape: ["nHeads"],
      dtype: "f32",
      from: ({ nHeads }) => {
        const whole = 2 ** Math.floor(Math.log2(nHeads));
        const series = (n: number, i: number) => 2 ** (-8 * (i + 1) / n);
        return Array.from(
          { length: nHeads },
          (_, h) => h < whole ? series(whole, h) : series(2 * whole, 2 * (h - whole)),
        );
      },
    }),
  },
  score: (s, { slopes, head, keyPosition, queryPosition }) =>
    s + slopes[head] * (keyPosition - queryPosition),
  mask: (_, { queryPosition, keyPosition }) => keyPosition <= queryPosition,
});
