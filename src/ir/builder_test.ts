import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FuncBuilder } from "./builder.ts";
import { interpret } from "./interpret.ts";
import { testMeanSquare, testSpan } from "./testing.ts";
import type { Func, Param, Span } from "./types.ts";

const x: Param = { name: "x", kind: "scalar", type: "f32" };
const i: Param = { name: "i", kind: "scalar", type: "i32" };
const slopes: Param = { name: "slopes", kind: "table", type: "f32", rank: 2 };
const block: Param = { name: "block", kind: "bytes" };
const q: Param = { name: "q", kind: "column" };

const builderOf = (...params: Param[]) => {
  const builder = new FuncBuilder("score", testSpan);
  for (const p of params) builder.param(p);
  return builder;
};

Deno.test("builds typed, frozen nodes in order", () => {
  const b = builderOf(x, i, slopes, block, q);
  const value = b.load(2, [b.arg(1, testSpan), b.constant(0, "i32", testSpan)], testSpan, "slope");
  const byte = b.load(3, [b.arg(1, testSpan)], testSpan);
  const mean = b.reduce(testMeanSquare, 4, testSpan);
  const sum = b.op("add", [value, mean], testSpan);
  const func = b.finish([sum, byte]);
  assertEquals(func.nodes.map((node) => node.id), [0, 1, 2, 3, 4, 5]);
  assertEquals(func.nodes.map((node) => node.type), ["i32", "i32", "f32", "i32", "f32", "f32"]);
  assertEquals(func.nodes[2]!.name, "slope");
  assertEquals(func.results, [5, 3]);
  assertEquals(func.nodes.every((node) => Object.isFrozen(node)), true);
});

Deno.test("a scalar parameter is one node", () => {
  const b = builderOf(x);
  assertStrictEquals(b.arg(0, testSpan), b.arg(0, testSpan));
});

Deno.test("wrong uses throw with the place", () => {
  const at: Span = { ...testSpan, line: 7, column: 3 };
  const b = builderOf(x, i, slopes, block, q);
  const [fx, fi] = [b.arg(0, at), b.arg(1, at)];
  const cases: [() => unknown, string][] = [
    [() => b.op("add", [fx, fi], at), '"add" takes (f32, f32) or (i32, i32), not (f32, i32)'],
    [() => b.op("add", [fx], at), "not (f32)"],
    [() => b.op("neg", [99], at), "node %99"],
    [() => b.constant(NaN, "f32", at), "constant NaN is no f32"],
    [() => b.constant(1e39, "f32", at), "constant 1e+39 is no f32"],
    [() => b.constant(0.5, "i32", at), "constant 0.5 is no i32"],
    [() => b.constant(2147483648, "i32", at), "constant 2147483648 is no i32"],
    [() => b.constant(1, "bool", at), "constant 1 is no bool"],
    [() => b.arg(2, at), 'parameter "slopes" is a table, not a scalar'],
    [() => b.arg(9, at), "parameter 9 does not exist"],
    [() => b.load(4, [fi], at), 'parameter "q" is a column, not a table or bytes'],
    [() => b.load(2, [fi], at), '"slopes" takes 2 indices, not 1'],
    [() => b.load(3, [fx], at), 'an index of "block" is i32, not f32'],
    [() => b.reduce(testMeanSquare, 0, at), 'parameter "x" is a scalar, not a column'],
    [() => b.param(x), 'parameter "x" of "score": the name is taken'],
    [() => b.finish([]), "it returns nothing"],
    [() => b.finish([99]), "node %99"],
  ];
  for (const [run, message] of cases) assertThrows(run, TypeError, message);
  assertThrows(() => b.op("not", [fx], at), TypeError, "(test.ts:7:3)");
});

/** s + slopes[0][i] + meanSquare(q) */
function callee(): Func {
  const b = builderOf(q, x, slopes, i);
  const zero = b.constant(0, "i32", testSpan);
  const slope = b.load(2, [zero, b.arg(3, testSpan)], testSpan);
  const sum = b.op("add", [b.arg(1, testSpan), slope], testSpan);
  return b.finish([b.op("add", [sum, b.reduce(testMeanSquare, 0, testSpan)], testSpan)]);
}

Deno.test("inline splices a body with its parameters replaced", () => {
  const b = builderOf(slopes, x, i, q);
  const doubled = b.op("add", [b.arg(1, testSpan), b.arg(1, testSpan)], testSpan);
  const [result] = b.inline(callee(), [3, doubled, 0, b.arg(2, testSpan)]);
  const func = b.finish([result!]);
  assertEquals(interpret(func, [[[10, 20]], 1, 1, [1, 3]], { mode: "f64" }), [2 + 20 + 5]);
});

Deno.test("inline refuses arguments that do not fit", () => {
  const widths: Param = { name: "widths", kind: "table", type: "i32", rank: 2 };
  const flat: Param = { name: "flat", kind: "table", type: "f32", rank: 1 };
  const b = builderOf(slopes, x, i, q, widths, flat);
  const [fx, fi] = [b.arg(1, testSpan), b.arg(2, testSpan)];
  const cases: [readonly number[], string][] = [
    [[3, fx, 0], '"score" takes 4 arguments, not 3'],
    [[3, fi, 0, fi], 'argument "x" of "score" is f32, not i32'],
    [[0, fx, 0, fi], 'parameter "slopes" is a table, not a column'],
    [[3, fx, 4, fi], 'argument "slopes" of "score" is f32 of rank 2, not i32 of rank 2'],
    [[3, fx, 5, fi], 'argument "slopes" of "score" is f32 of rank 2, not f32 of rank 1'],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => b.inline(callee(), args), TypeError, message);
  }
});
