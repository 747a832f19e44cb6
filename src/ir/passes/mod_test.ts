import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FuncBuilder } from "../builder.ts";
import { interpret } from "../interpret.ts";
import { printFunc } from "../print.ts";
import {
  arbitraryArgs,
  arbitraryFunc,
  type ArbitraryFuncOptions,
  f32Pair,
  sameBits,
  testMeanSquare,
  testSpan,
} from "../testing.ts";
import { verify } from "../verify.ts";
import { cse, dce, fold, simplify } from "./mod.ts";

const PASSES = { fold, cse, dce, simplify };

/** All operations, and few enough that identities and equal nodes meet often. */
const CASES: Readonly<Record<string, ArbitraryFuncOptions>> = {
  "all operations": {},
  "f32 arithmetic": { ops: ["add", "sub", "mul", "div", "neg"], memory: false },
  "i32 and bool": {
    ops: ["idiv", "imul", "and", "or", "xor", "not", "shl", "ushr", "land", "lor", "select", "lt"],
    memory: false,
  },
};

for (const [name, pass] of Object.entries(PASSES)) {
  for (const [what, options] of Object.entries(CASES)) {
    Deno.test(`${name} keeps every value in mode f32 bit for bit: ${what}`, () => {
      const cases = arbitraryFunc(options)
        .chain((func) => fc.tuple(fc.constant(func), arbitraryArgs(func)));
      fc.assert(
        fc.property(cases, ([func, args]) => {
          const after = pass(func);
          assertEquals(verify(after), []);
          const expected = interpret(func, args, { mode: "f32" });
          const got = interpret(after, args, { mode: "f32" });
          assert(sameBits(got, expected), `${printFunc(func)}\n${got}, not ${expected}`);
        }),
        { seed: 20, numRuns: 1000 },
      );
    });
  }
}

Deno.test("simplify is a fixpoint and never adds nodes", () => {
  fc.assert(
    fc.property(arbitraryFunc(), (func) => {
      const once = simplify(func);
      assert(once.nodes.length <= func.nodes.length);
      assertEquals(printFunc(simplify(once)), printFunc(once));
    }),
    { seed: 21, numRuns: 200 },
  );
});

Deno.test("simplify works inside reductions too", () => {
  const b = new FuncBuilder("f", testSpan);
  const q = b.param({ name: "q", kind: "column" });
  const finish = f32Pair(
    "finish",
    (c, acc) => c.op("mul", [acc, c.constant(1, "f32", testSpan)], testSpan),
  );
  const node = simplify(b.finish([b.reduce({ ...testMeanSquare, finish }, q, testSpan)])).nodes[0]!;
  if (node.kind !== "reduce") throw new Error("the reduction is gone");
  assertEquals(node.reduction.finish.nodes.length, 1);
});
