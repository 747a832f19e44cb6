import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { combinations } from "./combinations.ts";

const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 7 });

const axesOf = (lengths: readonly number[]) =>
  Object.fromEntries(
    lengths.map((length, axis) => [`axis${axis}`, Array.from({ length }, (_, i) => i)]),
  );

Deno.test("every choice is met, in as many rows as the longest axis has", () => {
  fc.assert(
    fc.property(sizes, (lengths) => {
      const rows = combinations(axesOf(lengths), 1);
      assertEquals(rows.length, Math.max(...lengths));
      lengths.forEach((length, axis) => {
        assertEquals(new Set(rows.map((row) => row[`axis${axis}`])).size, length);
      });
    }),
    { seed: 3 },
  );
});

Deno.test("every two choices are met, in far fewer rows than all", () => {
  fc.assert(
    fc.property(sizes.filter((lengths) => lengths.length > 1), (lengths) => {
      const rows = combinations(axesOf(lengths), 2);
      for (let a = 0; a < lengths.length; a++) {
        for (let b = a + 1; b < lengths.length; b++) {
          const met = new Set(rows.map((row) => `${row[`axis${a}`]} ${row[`axis${b}`]}`));
          assertEquals(met.size, lengths[a]! * lengths[b]!, `axes ${a} and ${b} of ${lengths}`);
        }
      }
      const [first = 1, second = 1] = [...lengths].sort((a, b) => b - a);
      assert(rows.length <= 2 * first * second + 4, `${rows.length} rows for ${lengths}`);
    }),
    { seed: 4 },
  );
});

Deno.test("where an axis has nothing to choose from there is no combination", () => {
  assertEquals(combinations({ a: [1, 2], b: [] }, 1), []);
  assertEquals(combinations({ a: [1, 2], b: [] }, 2), []);
});
