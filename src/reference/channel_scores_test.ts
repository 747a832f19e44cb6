import { assertAlmostEquals } from "@std/assert";
import fc from "fast-check";
import think from "../../kernels/prune/think.ts";
import { channelScoresReference } from "./channel_scores.ts";
import { authorRunner } from "./hooks.ts";

const score = authorRunner(think, "steps[0].score");
const column = (length: number) =>
  fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: length, maxLength: length });

Deno.test("think's score is the norm of the outer product (oracle 2)", () => {
  fc.assert(
    fc.property(column(5), column(7), (q, k) => {
      const [value] = score(q, k, {}) as [number];
      const frobenius = Math.hypot(...q.flatMap((a) => k.map((b) => a * b)));
      // Means of squares against a root of sums: the same number but for the counts and f64 rounding.
      assertAlmostEquals(Math.sqrt(value * 5 * 7), frobenius, 1e-9 * (1 + frobenius));
    }),
    { seed: 4 },
  );
});

Deno.test("the group's mean is the score of the stacked queries (oracle 4)", () => {
  const heads = fc.array(column(6), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(heads, column(9), (group, k) => {
      const keys = k.map((x) => [x]);
      const input = { keys, headDim: 1, group: "mean", score, context: {} } as const;
      const [mean] = channelScoresReference({
        ...input,
        queries: group.map((q) => q.map((x) => [x])),
      });
      const [stacked] = channelScoresReference({
        ...input,
        queries: [group.flat().map((x) => [x])],
      });
      assertAlmostEquals(mean!, stacked!, 1e-9 * (1 + stacked!));
    }),
    { seed: 5 },
  );
});
