import { assertEquals } from "@std/assert";
import { codeOf } from "./code_stage.ts";

const group = { scale: 0.5, minimum: -1, most: 15 };

Deno.test("a code may be its neighbour at the middle between both, and nowhere else", () => {
  assertEquals(codeOf(0, group), { want: 2, bound: 0 });
  assertEquals(codeOf(0.2, group), { want: 2, bound: 0 });
  // Halves go to the even code.
  assertEquals(codeOf(0.25, group), { want: 2, bound: 1 });
  assertEquals(codeOf(0.75, group), { want: 4, bound: 1 });
  assertEquals(codeOf(0.25 + 1e-8, group), { want: 3, bound: 1 });
  assertEquals(codeOf(0.25 + 1e-5, group), { want: 3, bound: 0 });
});

Deno.test("codes end at the least and the most; without a scale there is one", () => {
  assertEquals(codeOf(-9, group), { want: 0, bound: 0 });
  assertEquals(codeOf(90, group), { want: 15, bound: 0 });
  assertEquals(codeOf(3, { ...group, scale: 0 }), { want: 0, bound: 0 });
});
