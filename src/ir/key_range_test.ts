/** The derived interval, by brute force: it holds every visible key, and is tight for the usual masks. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FuncBuilder } from "./builder.ts";
import { interpret } from "./interpret.ts";
import { keyRange } from "./key_range.ts";
import { printFunc } from "./print.ts";
import { testSpan } from "./testing.ts";
import type { Func, OpName } from "./types.ts";

/** A mask of (score, queryPosition, keyPosition, window) from an expression in prefix form. */
type Tree = number | "query" | "key" | "window" | "score" | boolean | readonly [OpName, ...Tree[]];

const PARAMS = ["score", "queryPosition", "keyPosition", "window"] as const;

function maskOf(tree: Tree): Func {
  const b = new FuncBuilder("mask", testSpan);
  const params = PARAMS.map((name) =>
    b.param({ name, kind: "scalar", type: name === "score" ? "f32" : "i32" })
  );
  const build = (t: Tree): number => {
    if (typeof t === "number") return b.constant(t, "i32", testSpan);
    if (typeof t === "boolean") return b.constant(t, "bool", testSpan);
    if (typeof t === "string") {
      return b.arg(params[["score", "query", "key", "window"].indexOf(t)]!, testSpan);
    }
    const [op, ...args] = t;
    return b.op(op, args.map(build), testSpan);
  };
  return b.finish([build(tree)]);
}

const REACH = 30;
const keys = Array.from({ length: 2 * REACH + 1 }, (_, i) => i - REACH);

/** The bounds at a query and window; infinite where none was found. */
function boundsAt(mask: Func, query: number, window: number): { lower: number; upper: number } {
  const { lower, upper } = keyRange(mask);
  const run = (func: Func) => interpret(func, [query, window], { mode: "f64" })[0] as number;
  return { lower: lower ? run(lower) : -Infinity, upper: upper ? run(upper) : Infinity };
}

const visible = (mask: Func, query: number, window: number, score = 0.5): number[] =>
  keys.filter((key) => interpret(mask, [score, query, key, window], { mode: "f64" })[0] === true);

Deno.test("a causal mask ends at the query", () => {
  const { lower, upper } = keyRange(maskOf(["le", "key", "query"]));
  assertEquals(lower, null);
  assertEquals(
    printFunc(upper!, { spans: false }),
    "upper(queryPosition: i32, window: i32) → i32\n  %0:i32 = param queryPosition\n  return %0",
  );
});

Deno.test("the usual masks give exactly their visible keys", () => {
  const causal: Tree = ["le", "key", "query"];
  const recent: Tree = ["gt", "key", ["sub", "query", "window"]];
  const masks: readonly Tree[] = [
    ["land", causal, recent],
    ["land", ["lnot", ["gt", "key", "query"]], ["lt", ["sub", "query", "key"], "window"]],
    ["select", ["gt", "key", "query"], false, recent],
    ["land", ["ge", ["neg", "key"], ["neg", "query"]], ["le", ["sub", "query", "window"], "key"]],
    ["eq", "key", ["add", "query", 1]],
    ["lnot", ["ne", ["sub", 3, "key"], "window"]],
    ["land", ["lnot", ["lor", ["gt", "key", "query"], ["lt", "key", 2]]], ["ge", 9, "key"]],
  ];
  for (const tree of masks) {
    const mask = maskOf(tree);
    for (const query of [0, 1, 7, 12]) {
      for (const window of [1, 2, 5]) {
        const { lower, upper } = boundsAt(mask, query, window);
        const inside = keys.filter((key) => key >= lower && key <= upper);
        assert(keyRange(mask).exact, JSON.stringify(tree));
        assertEquals(inside, visible(mask, query, window), JSON.stringify({ tree, query, window }));
      }
    }
  }
});

Deno.test("what is not linear in the key, or depends on the score, bounds nothing", () => {
  const trees: readonly Tree[] = [
    ["le", ["mul", "key", "key"], "query"],
    ["le", ["add", "key", "key"], "query"],
    ["le", "key", ["toI32", "score"]],
    ["lt", ["toF32", "key"], "score"],
    ["ne", "key", "query"],
    ["lor", ["le", "key", "query"], ["gt", ["and", "key", 1], 0]],
    false,
  ];
  const none = { lower: null, upper: null, exact: false };
  for (const tree of trees) assertEquals(keyRange(maskOf(tree)), none);
  assertEquals(keyRange(maskOf(true)), { ...none, exact: true });
});

Deno.test("either of two windows is bounded by both", () => {
  const near: Tree = ["land", ["le", "key", "query"], ["gt", "key", ["sub", "query", "window"]]];
  const first: Tree = ["land", ["ge", "key", 0], ["lt", "key", 4]];
  assertEquals(boundsAt(maskOf(["lor", near, first]), 12, 3), { lower: 0, upper: 12 });
  assertEquals(boundsAt(maskOf(["lor", near, first]), 2, 9), { lower: -6, upper: 3 });
});

Deno.test("every visible key of a random mask lies inside, and every key inside an exact one is visible", () => {
  const { mask } = fc.letrec<{ number: Tree; mask: Tree }>((tie) => ({
    number: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<Tree>("key", "key", "query", "window"),
      fc.integer({ min: -4, max: 4 }),
      fc.tuple(fc.constantFrom<OpName>("add", "sub", "mul", "min"), tie("number"), tie("number")),
      fc.tuple(fc.constant<OpName>("neg"), tie("number")),
    ) as fc.Arbitrary<Tree>,
    mask: fc.oneof(
      { depthSize: "small" },
      fc.tuple(
        fc.constantFrom<OpName>("lt", "le", "gt", "ge", "eq", "ne"),
        tie("number"),
        tie("number"),
      ),
      fc.tuple(fc.constantFrom<OpName>("land", "lor"), tie("mask"), tie("mask")),
      fc.tuple(fc.constant<OpName>("lnot"), tie("mask")),
      fc.tuple(fc.constant<OpName>("select"), tie("mask"), tie("mask"), tie("mask")),
      fc.boolean(),
    ) as fc.Arbitrary<Tree>,
  }));
  let bounded = 0, exact = 0;
  fc.assert(
    fc.property(mask, fc.nat(12), fc.integer({ min: 1, max: 8 }), (tree, query, window) => {
      const func = maskOf(tree);
      const { lower, upper } = boundsAt(func, query, window);
      if (lower > -REACH || upper < REACH) bounded++;
      const seen = visible(func, query, window);
      for (const key of seen) assert(key >= lower && key <= upper);
      if (!keyRange(func).exact) return;
      exact++;
      assertEquals(keys.filter((key) => key >= lower && key <= upper), seen);
    }),
    { seed: 8, numRuns: 2000 },
  );
  // The property says nothing about masks without bounds: enough of these must have one.
  assert(bounded > 200, `only ${bounded} of 2000 masks were bounded`);
  assert(exact > 200, `only ${exact} of 2000 masks were intervals`);
});
