import { assertEquals, assertThrows } from "@std/assert";
import { compare, errorOf } from "./compare.ts";
import type { Measurement } from "./compare.ts";

const DIMS = [{ name: "row", size: 2 }, { name: "channel", size: 2 }];
const measurement = (got: number[], bound?: number[]): Measurement => ({
  ...{ kernel: "k", dims: DIMS, got, want: [1, 2, 4, 0] },
  ...(bound ? { bound } : {}),
});

Deno.test("the worst element is that of the largest share of its bound, not of the largest error", () => {
  const found = compare(measurement([1, 2.5, 4.25, 0], [1, 1, 0.25, 1]));
  assertEquals(found.passed, true);
  assertEquals([found.maxAbs, found.maxRel, found.maxShare], [0.5, 0.25, 1]);
  assertEquals(found.worst, { at: { row: 1, channel: 0 }, got: 4.25, want: 4, bound: 0.25 });
});

Deno.test("without a bound numbers are equal or off", () => {
  assertEquals(compare(measurement([1, 2, 4, 0])).passed, true);
  assertEquals(compare(measurement([1, 2, 4, 1e-30])).passed, false);
});

Deno.test("a number that is none passes no bound, and no bound that is none lets pass", () => {
  for (const bad of [NaN, Infinity]) {
    const found = compare(measurement([1, bad, 4, 0], [1, 1e300, 1, 1]));
    assertEquals([found.passed, found.maxAbs, found.worst!.at.channel], [false, Infinity, 1]);
    assertEquals(compare(measurement([1, 2, 4.5, 0], [1, 1, NaN, 1])).passed, false);
  }
  assertEquals([errorOf(NaN, NaN), errorOf(Infinity, Infinity)], [Infinity, 0]);
});

Deno.test("numbers that are not as many as the dimensions say are a bug", () => {
  assertThrows(() => compare(measurement([1, 2, 4])), RangeError, "3 were computed");
  assertThrows(() => compare(measurement([1, 2, 4, 0], [1])), RangeError, "1 bounds");
});
