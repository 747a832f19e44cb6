import { assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { channelShares, headWidths } from "./static_channels.ts";

Deno.test("shares are means over passages, whatever a passage's scale", () => {
  const passages = [Float32Array.of(1, 3, 0, 0), Float32Array.of(300, 100, 0, 0)];
  assertEquals([...channelShares(passages, { nHeads: 2, headDim: 2 })], [0.5, 0.5, 0, 0]);
});

Deno.test("a head with few channels that matter gets fewer", () => {
  const shares = Float32Array.of(0.97, 0.01, 0.01, 0.01, 0.25, 0.25, 0.25, 0.25);
  const sizes = { nHeads: 2, headDim: 4 };
  assertEquals([...headWidths(shares, sizes, { ratio: 0.375, floor: 0.25, multiple: 1 })], [1, 4]);
  assertEquals([...headWidths(shares, sizes, { ratio: 0.25, floor: 0.5, multiple: 2 })], [2, 4]);
  assertEquals([...headWidths(shares, sizes, { ratio: 0, floor: 0, multiple: 1 })], [4, 4]);
});

Deno.test("budgets are met, floors kept, widths whole multiples", () => {
  const sizes = { nHeads: 5, headDim: 16 };
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 80, maxLength: 80 }),
      fc.double({ min: 0, max: 0.75, noNaN: true }),
      fc.constantFrom(1, 2, 4, 5),
      (scores, ratio, multiple) => {
        const shares = channelShares([Float32Array.from(scores)], sizes);
        const widths = [...headWidths(shares, sizes, { ratio, floor: 0.25, multiple })];
        const budget = Math.round((1 - ratio) * 80);
        const total = widths.reduce((sum, width) => sum + width, 0);
        const least = Math.ceil(4 / multiple) * multiple;
        assertEquals(total <= Math.max(budget, 5 * least), true);
        assertEquals(total > budget - multiple || widths.every((width) => width === 16), true);
        for (const width of widths) {
          assertEquals(width >= least && width <= 16, true);
          assertAlmostEquals(width === 16 ? 0 : width % multiple, 0);
        }
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});
