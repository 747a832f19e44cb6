import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { randomSource } from "../engine/random.ts";
import { bootstrap, quantile } from "./statistics.ts";

Deno.test("quantiles lie between neighbours", () => {
  assertEquals(quantile([4, 1, 3, 2], 0.5), 2.5);
  assertEquals(quantile([4, 1, 3, 2], 0), 1);
  assertEquals(quantile([4, 1, 3, 2], 1), 4);
  assertEquals(quantile([7], 0.99), 7);
});

Deno.test("an interval depends on the seed and nothing else, and one passage has none", () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6];
  assertEquals(bootstrap(values, 5), bootstrap(values, 5));
  assert(bootstrap(values, 5).low !== bootstrap(values, 6).low);
  assertEquals(bootstrap([2], 1), { mean: 2, low: 2, high: 2 });
});

Deno.test("a difference is paired: what passages share cancels", () => {
  const passages = [10, 20, 30, 40, 50, 60, 70, 80];
  const own = bootstrap(passages, 1);
  const shifted = bootstrap(passages.map((x) => x + 1), 1);
  assert(own.high - own.low > 20);
  // The same passages are drawn for both: the interval moves as a whole.
  assertAlmostEquals(shifted.low - own.low, 1, 1e-9);
  assertAlmostEquals(shifted.high - own.high, 1, 1e-9);
});

Deno.test("95 % intervals of 30 normal values hold the true mean about as often", () => {
  const random = randomSource(11);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let held = 0;
  const trials = 200;
  for (let i = 0; i < trials; i++) {
    const { low, high } = bootstrap(Array.from({ length: 30 }, normal), i);
    if (low <= 0 && 0 <= high) held++;
  }
  // Percentile intervals of 30 values cover 93 %; 200 trials spread by 1.8 %.
  assert(held / trials > 0.87 && held / trials < 0.99, `${held} of ${trials}`);
});
