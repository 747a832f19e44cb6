import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { allocate, lossAt } from "./allocate.ts";
import type { LossCurve } from "./allocate.ts";

const curve = (...points: [number, number][]): LossCurve =>
  points.map(([kept, loss]) => ({ kept, loss }));

Deno.test("what a unit gains most from goes first, of equal gains the lower index", () => {
  const a = curve([2, 10], [4, 4], [8, 0]);
  const b = curve([2, 3], [4, 2], [8, 0]);
  assertEquals(allocate([a, b], { total: 4, multiple: 1 }), [2, 2]);
  assertEquals(allocate([a, b], { total: 6, multiple: 1 }), [4, 2]);
  assertEquals(allocate([a, b], { total: 9, multiple: 1 }), [7, 2]);
  assertEquals(allocate([a, a], { total: 7, multiple: 1 }), [4, 3]);
  assertEquals(allocate([a, b], { total: 16, multiple: 2 }), [8, 8]);
  assertThrows(() => allocate([a, b], { total: 3, multiple: 1 }), RangeError, "units take 4 to 16");
  assertThrows(() => allocate([a, b], { total: 17, multiple: 1 }), RangeError);
});

Deno.test("a point above its neighbours' line is passed over", () => {
  const bent = curve([0, 10], [4, 9], [8, 0]);
  const plain = curve([0, 6], [8, 0]);
  // 10 / 8 a share over the whole way, against 6 / 8.
  assertEquals(allocate([plain, bent], { total: 8, multiple: 4 }), [0, 8]);
});

Deno.test("convex curves: counts are multiples, sum to the total, and no exchange lowers the loss", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(steps, { minLength: 1, maxLength: 5 }),
      fc.nat(1000),
      fc.constantFrom(1, 2, 4),
      (units, at, multiple) => {
        const curves = units.map((gains) => {
          const falling = gains.toSorted((a, b) => b - a);
          return Array.from({ length: 5 }, (_, i) => ({
            kept: 4 * (i + 1),
            loss: falling.slice(i).reduce((a, b) => a + b, 0),
          }));
        });
        const slack = 16 * units.length / multiple;
        const total = 4 * units.length + multiple * Math.round(at / 1000 * slack);
        const kept = allocate(curves, { total, multiple });
        assertEquals(kept.reduce((a, b) => a + b, 0), total);
        const loss = (counts: number[]) =>
          counts.reduce((sum, n, i) => sum + lossAt(curves[i]!, n), 0);
        for (const [i, from] of kept.entries()) {
          assertAlmostEquals(from % multiple, 0);
          for (const [j, to] of kept.entries()) {
            if (i === j || from - multiple < 4 || to + multiple > 20) continue;
            const other = kept.with(i, from - multiple).with(j, to + multiple);
            // Sums of at most 100 products of whole numbers with quarters.
            assertEquals(loss(other) >= loss(kept) - 1e-9, true);
          }
        }
      },
    ),
    { seed: 7, numRuns: 200 },
  );
});
