import { assertEquals, assertThrows } from "@std/assert";
import { FuncBuilder } from "./builder.ts";
import { type Arg, interpret, reduceColumn } from "./interpret.ts";
import { f32Pair, testMaxAbs, testMeanSquare, testSpan } from "./testing.ts";
import type { Func, Param } from "./types.ts";

const f = Math.fround;

/** A function of the parameters given; `body` gets the builder and returns the results. */
function funcOf(params: readonly Param[], body: (b: FuncBuilder) => readonly number[]): Func {
  const builder = new FuncBuilder("f", testSpan);
  for (const p of params) builder.param(p);
  return builder.finish(body(builder));
}

const run = (func: Func, ...args: Arg[]) => interpret(func, args, { mode: "f32" });

Deno.test("mode f32 rounds after every operation, arguments and constants included", () => {
  const func = f32Pair("f", (b, x, y) => {
    const product = b.op("mul", [x, y], testSpan);
    return b.op("add", [product, b.constant(0.1, "f32", testSpan)], testSpan);
  });
  assertEquals(interpret(func, [1 / 3, 0.7], { mode: "f64" }), [1 / 3 * 0.7 + 0.1]);
  assertEquals(run(func, 1 / 3, 0.7), [f(f(f(1 / 3) * f(0.7)) + f(0.1))]);
  assertEquals(run(f32Pair("first", (_, x) => x), 1 / 3, 0), [f(1 / 3)]);
});

Deno.test("loads index nested tables and flat bytes", () => {
  const params: Param[] = [
    { name: "t", kind: "table", type: "f32", rank: 3 },
    { name: "b", kind: "bytes" },
    { name: "i", kind: "scalar", type: "i32" },
    { name: "u", kind: "table", type: "i32", rank: 1 },
  ];
  const func = funcOf(params, (b) => {
    const [i, one] = [b.arg(2, testSpan), b.constant(1, "i32", testSpan)];
    return [
      b.load(0, [one, i, one], testSpan),
      b.load(1, [i], testSpan),
      b.load(3, [i], testSpan),
    ];
  });
  const table = [[[1, 2], [3, 4]], [[5, 6], [0.1, 0.7]]];
  const words = Uint32Array.of(1, 4294967295);
  assertEquals(run(func, table, Uint8Array.of(9, 255), 1, words), [f(0.7), 255, -1]);
  assertThrows(
    () => run(func, table, Uint8Array.of(9, 255), 2, words),
    RangeError,
    'Cannot load element [1][2][1] of "t" in "f"',
  );
});

Deno.test("an element of too few or too many indices is no number", () => {
  const flat = funcOf([{ name: "t", kind: "table", type: "f32", rank: 1 }], (b) => [
    b.load(0, [b.constant(0, "i32", testSpan)], testSpan),
  ]);
  assertThrows(() => run(flat, [[1]]), RangeError, "no such element");
});

Deno.test("reductions run in order and finish with the count", () => {
  const column = [1, 1e4, 1e-3, 3];
  const acc = column.reduce((sum, x) => f(sum + f(f(x) * f(x))), 0);
  assertEquals(reduceColumn(testMeanSquare, column, { mode: "f32" }), f(acc / 4));
  const sum = column.reduce((sum, x) => sum + x * x, 0);
  assertEquals(reduceColumn(testMeanSquare, column, { mode: "f64" }), sum / 4);
  assertEquals(reduceColumn(testMeanSquare, [], { mode: "f64" }), NaN);
  assertEquals(reduceColumn(testMaxAbs, [], { mode: "f32" }), 0);
  assertEquals(reduceColumn({ ...testMaxAbs, init: 0.1 }, [], { mode: "f32" }), f(0.1));
  const func = funcOf(
    [{ name: "q", kind: "column" }],
    (b) => [b.reduce(testMaxAbs, 0, testSpan)],
  );
  assertEquals(run(func, Float32Array.of(-7, 3)), [7]);
});

Deno.test("arguments must fit their parameters", () => {
  const func = funcOf(
    [
      { name: "i", kind: "scalar", type: "i32" },
      { name: "p", kind: "scalar", type: "bool" },
      { name: "q", kind: "column" },
    ],
    (b) => [b.op("select", [b.arg(1, testSpan), b.arg(0, testSpan), b.arg(0, testSpan)], testSpan)],
  );
  assertEquals(run(func, 3, true, []), [3]);
  assertThrows(() => run(func, 0.5, true, []), TypeError, "i = 0.5: the parameter is i32");
  assertThrows(() => run(func, 3e9, true, []), TypeError, "the parameter is i32");
  assertThrows(() => run(func, 3, 1, []), TypeError, "p = 1: the parameter is bool");
  assertThrows(() => run(func, 3, true, 1), TypeError, "q = 1: the parameter is column");
  assertThrows(() => run(func, 3, true), TypeError, "it takes 3 arguments, not 2");
});
