import { assertEquals } from "@std/assert";
import { countGroups } from "./grid.ts";

Deno.test("countGroups: numbers, constants, step fields and fields that a constant names", () => {
  const values = { constants: { n_out: 33, rows_field: 2 }, step: [5, 1, 9, 0, 0, 4] };
  assertEquals(countGroups([{ of: 7 }, { of: { constant: "n_out" }, per: 16 }], values), 21);
  assertEquals(countGroups([{ of: { step: "nSplits" } }], values), 4);
  assertEquals(countGroups([{ of: { stepAt: "rows_field" }, per: 8 }], values), 2);
  assertEquals(countGroups([{ of: { step: "nTiles" } }, { of: 3 }], values), 0);
});
