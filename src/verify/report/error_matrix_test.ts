import { assertEquals } from "@std/assert";
import { errorMatrices } from "./error_matrix.ts";
import { HEAT_STEPS, heatStep } from "./heat_map.ts";

const map = (sizes: readonly (readonly [string, number])[], errors: readonly number[]) => ({
  case: "",
  dims: sizes.map(([name, size]) => ({ name, size })),
  errors: Float64Array.from(errors),
  bound: Float64Array.from(errors, () => 2),
});

Deno.test("three axes: the largest over the third, then the third at the worst of the second", () => {
  const found = errorMatrices(
    map([["row", 2], ["head", 2], ["channel", 2]], [0, 1, 2, 0, 0, 0, 0, 9]),
  );
  assertEquals(found.map(({ about }) => about), ["largest over channels", "head 1"]);
  assertEquals(found.map(({ errors }) => [...errors]), [[1, 2, 0, 9], [2, 0, 0, 9]]);
  assertEquals([...found[1]!.shares], [1, 0, 0, 4.5]);
});

Deno.test("an axis of one is no axis; a long one is cut, and keeps its largest", () => {
  const [only, ...more] = errorMatrices(
    map([["row", 1], ["head", 80], ["channel", 2]], Array.from({ length: 160 }, (_, i) => i)),
  );
  assertEquals(more, []);
  assertEquals([only!.nRows, only!.nColumns, only!.rows.size], [40, 2, 80]);
  assertEquals([only!.errors[0], only!.errors.at(-1)], [2, 159]);
});

Deno.test("steps of the scale: none for no error, the last for the largest and what is no number", () => {
  assertEquals([0, 1e-9, 1, Infinity].map((error) => heatStep(error, 1)), [
    ...[-1, 0, HEAT_STEPS - 1, HEAT_STEPS - 1],
  ]);
});
