/** How coded rows are split in two classes: by the nearest number of units, and so that no class ever shrinks. */

import { assert, assertEquals } from "@std/assert";
import { classRows, firstParts } from "./row_classes.ts";

Deno.test("the first class has the nearest number of units, halves up; the other the rest", () => {
  const of = (share: number, rows: number) => classRows({ share, unit: 64 }, rows);
  assertEquals(of(0.25, 640), [192, 448]);
  assertEquals(of(0.25, 576), [128, 448]);
  assertEquals(of(0.4, 128), [64, 64]);
  // Rows that fill no unit are the other class's.
  assertEquals(of(1, 100), [64, 36]);
  assertEquals(of(0, 100), [0, 100]);
  assertEquals(classRows(null, 100), [100]);
});

Deno.test("no class loses rows when others come", () => {
  for (const share of [0.1, 0.25, 1 / 3, 0.5, 0.9]) {
    let last: readonly number[] = [0, 0];
    for (let rows = 0; rows <= 640; rows += 16) {
      const own = classRows({ share, unit: 16 }, rows);
      assertEquals(own[0]! + own[1]!, rows);
      assert(own.every((n, i) => n >= last[i]!), `${share}: ${last} to ${own}`);
      last = own;
    }
  }
});

Deno.test("a list has a price, whatever its share", () => {
  assertEquals([0, 0.5, 1].map(firstParts), [1, 128, 255]);
});
