import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FuncBuilder } from "../ir/builder.ts";
import { interpret } from "../ir/interpret.ts";
import { arbitraryArgs, arbitraryFunc, f32Pair, testSpan } from "../ir/testing.ts";
import type { OpName, Reduction } from "../ir/types.ts";
import { HALF_ULP, roundedFunction } from "./rounding.ts";

/** What authors' scores are made of, without jumps: where a value jumps, first order says nothing. */
const SMOOTH: readonly OpName[] = [
  "add",
  "sub",
  "mul",
  "neg",
  "abs",
  "min",
  "max",
  "tanh",
  "toF32",
];

Deno.test("a function in f32 stays within its bounds", () => {
  let compared = 0;
  const cases = arbitraryFunc({ ops: SMOOTH }).chain((func) =>
    arbitraryArgs(func).map((args) => ({ func, args }))
  );
  fc.assert(
    fc.property(cases, ({ func, args }) => {
      const want = roundedFunction(func)(args);
      interpret(func, args, { mode: "f32" }).forEach((got, i) => {
        const { value, error } = want[i]!;
        if (typeof got !== "number" || !Number.isFinite(got) || !Number.isFinite(error)) return;
        compared++;
        // Tiny results are rounded to what f32 has there.
        const limit = 1.001 * error + 2 ** -140;
        assert(Math.abs(got - (value as number)) <= limit, `${got}, not ${value} ± ${error}`);
      });
    }),
    { seed: 6, numRuns: 500 },
  );
  assert(compared > 200, `only ${compared} numbers were finite`);
});

Deno.test("what comes in with an error goes out with it", () => {
  const b = new FuncBuilder("f", testSpan);
  const x = b.arg(b.param({ name: "x", kind: "scalar", type: "f32" }), testSpan);
  const four = b.constant(4, "f32", testSpan);
  const run = roundedFunction(b.finish([b.op("mul", [x, four], testSpan)]));
  const [exact] = run([3]);
  assertEquals(exact, { value: 12, error: 12 * HALF_ULP });
  const [{ error } = { error: 0 }] = run([{ value: 3, error: 0.25 }]);
  assert(error >= 1 && error < 1.001, `${error}`);
});

Deno.test("a sum is off by its elements' sizes, whatever is left of them", () => {
  const total: Reduction = {
    name: "total",
    init: 0,
    step: f32Pair("step", (b, acc, x) => b.op("add", [acc, x], testSpan)),
    merge: f32Pair("merge", (b, left, right) => b.op("add", [left, right], testSpan)),
    finish: f32Pair("finish", (_, acc) => acc),
  };
  const b = new FuncBuilder("f", testSpan);
  const column = b.param({ name: "column", kind: "column" });
  const run = roundedFunction(b.finish([b.reduce(total, column, testSpan)]));
  const [{ value, error } = { value: 0, error: 0 }] = run([[1e4, 1, -1e4]]);
  assertEquals(value, 1);
  assert(error >= 2 * HALF_ULP * 20001 && error < 0.1, `${error}`);
});
