/** How many scores are enough: C against the reference, and the reference against plain sums. */

import { assert } from "@std/assert";
import fc from "fast-check";
import { testIsas } from "../../src/device/testing.ts";
import { countEnoughReference } from "../../src/reference/mod.ts";
import { checkCounts } from "../_counts.ts";
import { runPicked } from "../_kernel.ts";

Deno.test("counts of what is enough are the reference's", async () => {
  for (const isa of await testIsas()) {
    await checkCounts([1, 31], runPicked({ isa }));
  }
  await checkCounts([4, 33, 127, 300, 5000], runPicked());
});

Deno.test("a mass: what stays holds it, and would not with one row less", () => {
  // Subnormal numbers have no mass.
  const score = fc.float({ min: 0, max: 1, noNaN: true }).map((x) => x < 2 ** -126 ? 0 : x);
  const scores = fc.array(score, { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(scores, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (list, amount) => {
      const rule = { kind: "mass", amount, least: 0 } as const;
      const n = countEnoughReference(list, { rule, most: 1e9, multiple: 1, first: 0, last: 0 });
      const falling = list.toSorted((a, b) => b - a);
      const sum = (of: readonly number[]) => of.reduce((a, b) => a + b, 0);
      const total = sum(falling);
      // Each mass is cut below 2⁻²³ of the largest score, the share to 2⁻²⁰.
      const slack = list.length * falling[0]! * 2 ** -23 + total * 2 ** -20;
      assert(sum(falling.slice(0, n)) >= amount * total - slack, `${n} of ${falling}`);
      assert(n === 0 || sum(falling.slice(0, n - 1)) < amount * total + slack, `${n}: ${falling}`);
    }),
    { seed: 5, numRuns: 500 },
  );
});
