import { assertEquals } from "@std/assert";
import type { GridFactor } from "../../core/signature.ts";
import { gridText } from "./grid.ts";

const GRID: readonly GridFactor[] = [
  { of: { step: "nTiles" } },
  { of: { constant: "n_heads" }, per: 4 },
  { of: { stepAt: "rows_field" }, per: 8 },
  { of: 16 },
];

Deno.test("a grid is a product; what no invocation fixed keeps its name", () => {
  assertEquals(gridText(GRID), "nTiles × ⌈n_heads / 4⌉ × ⌈step[rows_field] / 8⌉ × 16");
  const constants = { n_heads: 9, rows_field: 2 };
  assertEquals(gridText(GRID, constants), "nTiles × ⌈9 / 4⌉ × ⌈step[2] / 8⌉ × 16");
});
