import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CLASS_PARTS } from "../layout/row_classes.ts";
import { dearestAverages } from "./forecast_pages.ts";

const budget = { average: 100, highPrice: 288 };

Deno.test("dearestAverages: lists that are alike, as many rows as the price says, and too many of one", () => {
  assertEquals(dearestAverages({ ...budget, firstParts: null }, [64, 192]), [100, 100]);
  const quarter = { ...budget, firstParts: 64 };
  const taken = (rows: readonly number[]) =>
    dearestAverages(quarter, rows).reduce((sum, bits, i) => sum + bits * rows[i]!, 0);
  assertAlmostEquals(taken([64, 192]), 100 * 256, 1e-9);
  // A bit of either row costs what rows of its class are to be; the first ones' end where all are high.
  assertEquals(dearestAverages(quarter, [128, 128])[0], 288);
  assertAlmostEquals(taken([128, 128]), 128 * (288 + (400 - 288) / 3), 1e-9);
  assertAlmostEquals(dearestAverages(quarter, [0, 256])[1]!, 400 / 3, 1e-9);
});

Deno.test("dearestAverages: nothing within the budget takes more", () => {
  const bits = fc.double({ min: 0, max: 288, noNaN: true });
  const problems = fc.record({
    firstParts: fc.integer({ min: 1, max: CLASS_PARTS - 1 }),
    rows: fc.tuple(fc.nat(40), fc.nat(40)),
    other: fc.tuple(bits, bits),
  });
  fc.assert(
    fc.property(problems, ({ firstParts, rows, other }) => {
      const spent = (of: readonly number[]) =>
        (firstParts * of[0]! + (CLASS_PARTS - firstParts) * of[1]!) / CLASS_PARTS;
      const taken = (of: readonly number[]) => rows[0] * of[0]! + rows[1] * of[1]!;
      const dearest = dearestAverages({ ...budget, firstParts }, rows);
      assert(spent(dearest) <= budget.average * (1 + 1e-12));
      // Any two averages, made as dear as the budget lets them be.
      const scale = Math.min(1, budget.average / Math.max(1e-9, spent(other)));
      const within = other.map((own) => own * scale);
      assert(taken(within) <= taken(dearest) * (1 + 1e-9) + 1e-9);
    }),
    { seed: 2, numRuns: 500 },
  );
});
