import { assertEquals } from "@std/assert";
import { attentionCases, pruningCases } from "./cases.ts";

const VARIANTS = ["a", "b", "c", "d", "e"];

/** How many different combinations of what `read` takes of a case there are. */
const met = <C>(cases: readonly C[], read: (given: C) => unknown) =>
  new Set(cases.map((given) => JSON.stringify(read(given)))).size;

Deno.test("every variant meets every cache type, shape, length and cut; so do types and shapes", () => {
  const pruning = pruningCases(VARIANTS, 2, (variant) => VARIANTS.indexOf(variant));
  assertEquals(met(pruning, ({ variant, types }) => [variant, types]), 5 * 4);
  assertEquals(met(pruning, ({ variant, shape }) => [variant, shape]), 5 * 4);
  assertEquals(met(pruning, ({ variant, cached }) => [variant, cached]), 5 * 5);
  assertEquals(met(pruning, ({ variant, kept }) => [variant, kept]), 5 * 3);
  assertEquals(met(pruning, ({ types, shape }) => [types, shape]), 4 * 4);
  const cuts = ["a", "b", "c"].map((name) => ({ name, steps: [] }));
  const attention = attentionCases(VARIANTS, cuts, 2);
  assertEquals(met(attention, ({ variant, types }) => [variant, types]), 5 * 4);
  assertEquals(met(attention, ({ variant, shape }) => [variant, shape]), 5 * 4);
  assertEquals(met(attention, ({ variant, cached }) => [variant, cached]), 5 * 6);
  assertEquals(met(attention, ({ variant, cut }) => [variant, cut?.pruning]), 5 * 4);
  assertEquals(met(attention, ({ types, cut }) => [types, cut?.pruning]), 4 * 4);
  assertEquals(met(attention, ({ types, shape }) => [types, shape]), 4 * 4);
});

Deno.test("a variant alone meets every two choices of the rest", () => {
  const cases = pruningCases(["a"], 2, () => 0);
  assertEquals(met(cases, ({ types, shape }) => [types, shape]), 4 * 4);
  assertEquals(met(cases, ({ shape, cached }) => [shape, cached]), 4 * 5);
  assertEquals(pruningCases([], 2, () => 0), []);
});

Deno.test("variants of one layout share their types' shapes, so that kernels are compiled once", () => {
  const cases = pruningCases(VARIANTS, 2, () => 1);
  assertEquals(met(cases, ({ types, shape }) => [types, shape]), 4);
  assertEquals(met(cases, ({ variant, shape }) => [variant, shape]), 5 * 4);
});
