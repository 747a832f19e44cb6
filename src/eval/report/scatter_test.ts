import { assert, assertEquals } from "@std/assert";
import { placeLabels } from "./labels.ts";
import { decadeTicks, frontier } from "./scatter.ts";

const point = (number: number, x: number, y: number) => ({ number, x, y, low: y, high: y });

Deno.test("the frontier is what no spec beats, by fewer bytes and by better numbers", () => {
  const points = [point(1, 100, 0.1), point(2, 50, 0.2), point(3, 60, 0.3), point(4, 50, 0.2)];
  const numbers = (better: "low" | "high") => frontier(points, better).map(({ number }) => number);
  // Equals do not beat each other.
  assertEquals(numbers("low"), [2, 4, 1]);
  assertEquals(numbers("high"), [2, 4, 3]);
});

Deno.test("ticks of a logarithmic axis are 1, 2 and 5 of its decades", () => {
  assertEquals(decadeTicks(0.004, 0.3), [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]);
  assertEquals(decadeTicks(1, 1.3), [1]);
});

Deno.test("labels of points at nearly one place do not hide each other, nor leave the chart", () => {
  const points = Array.from({ length: 6 }, (_, i) => ({ x: 100 + 3 * i, y: 2 }));
  const labels = placeLabels(points, 200)
    .map(({ x, y }, i) => ({ x: points[i]!.x + x, y: points[i]!.y + y }));
  for (const [i, a] of labels.entries()) {
    assert(a.y > 0);
    for (const b of labels.slice(0, i)) {
      assert(Math.abs(a.x - b.x) >= 12 || Math.abs(a.y - b.y) >= 10, JSON.stringify([a, b]));
    }
  }
});
