/** Budgets of bits: never more than the average times what it is of, and all of it where that is whole. */

import { assertEquals } from "@std/assert";
import { layerBudget, mostChannels } from "./channel_bits_plan.ts";

const budget = { lowPrice: 3, highPrice: 5, group: 16, firstParts: null };

Deno.test("a layer's bits are rounded down, but not by an error of the product", () => {
  const dims = { nKvHeads: 3, headDim: 64 };
  assertEquals(layerBudget({ ...budget, average: 2.03 }, dims), 389); // of 389.76
  // In f64 0.29 · 100 is a little less than 29.
  assertEquals(layerBudget({ ...budget, average: 0.29 }, { nKvHeads: 1, headDim: 100 }), 29);
});

Deno.test("a head's most channels are those that its share stores, low ones first", () => {
  assertEquals(mostChannels({ ...budget, average: 1.5 }, 64), { width: 32, high: 0 });
  assertEquals(mostChannels({ ...budget, average: 1.6 }, 64), { width: 34, high: 0 });
  assertEquals(mostChannels({ ...budget, average: 3.2 }, 64), { width: 64, high: 6 });
  assertEquals(mostChannels({ ...budget, average: 9 }, 64), { width: 64, high: 64 });
});
