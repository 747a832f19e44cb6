import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { arbitraryFunc, f32Pair, testMeanSquare, testSpan } from "./testing.ts";
import type { Func, Node, Param, Reduction } from "./types.ts";
import { assertValid, verify } from "./verify.ts";

const params: readonly Param[] = [
  { name: "x", kind: "scalar", type: "f32" },
  { name: "i", kind: "scalar", type: "i32" },
  { name: "slopes", kind: "table", type: "f32", rank: 1 },
  { name: "q", kind: "column" },
];

/** A part of a node: what a test spells out. */
type Part = Record<string, unknown> & { readonly kind: Node["kind"]; readonly type: string };

/** x and i, then the nodes given, whatever they are. */
const funcOf = (parts: readonly Part[], changes: Partial<Func> = {}): Func => {
  const all: Part[] = [
    { kind: "param", param: 0, type: "f32" },
    { kind: "param", param: 1, type: "i32" },
    ...parts,
  ];
  const nodes = all.map((part, id) => ({ id, span: testSpan, ...part })) as unknown as Node[];
  return { name: "broken", params, nodes, results: [nodes.length - 1], span: testSpan, ...changes };
};

const op = (name: string, args: readonly number[], type: string): Part => ({
  kind: "op",
  op: name,
  args,
  type,
});
const reduce = (changes: Partial<Reduction>, param = 3): Part => ({
  kind: "reduce",
  type: "f32",
  param,
  reduction: { ...testMeanSquare, ...changes },
});
const constant = (value: unknown, type: string): Part => ({ kind: "const", type, value });
const one = f32Pair("one", (_, a) => a);

const BROKEN: [string, Func, string][] = [
  ["id", funcOf([{ ...op("neg", [0], "f32"), id: 7 }]), "broken %2: its id is 7"],
  ["order", funcOf([op("neg", [2], "f32")]), "broken %2: operand %2 is not an earlier node"],
  ["missing operand", funcOf([op("neg", [-1], "f32")]), "operand %-1 is not an earlier node"],
  [
    "operand types",
    funcOf([op("add", [0, 1], "f32")]),
    'broken %2: "add" takes (f32, f32) or (i32, i32), not (f32, i32)',
  ],
  ["arity", funcOf([op("add", [0], "f32")]), "not (f32)"],
  ["result type", funcOf([op("lt", [0, 0], "f32")]), "its type is bool, not f32"],
  ["NaN constant", funcOf([constant(NaN, "f32")]), "constant NaN is no f32"],
  ["f32 overflow", funcOf([constant(1e39, "f32")]), "constant 1e+39 is no f32"],
  ["i32 constant", funcOf([constant(1.5, "i32")]), "constant 1.5 is no i32"],
  ["i32 minus zero", funcOf([constant(-0, "i32")]), "is no i32"],
  ["bool constant", funcOf([constant(1, "bool")]), "constant 1 is no bool"],
  [
    "parameter kind",
    funcOf([{ kind: "param", param: 2, type: "f32" }]),
    'parameter "slopes" is a table, not a scalar',
  ],
  [
    "parameter index",
    funcOf([{ kind: "param", param: 9, type: "f32" }]),
    "parameter 9 does not exist",
  ],
  [
    "parameter type",
    funcOf([{ kind: "param", param: 0, type: "i32" }]),
    "its type is f32, not i32",
  ],
  [
    "load of a column",
    funcOf([{ kind: "load", param: 3, args: [1], type: "f32" }]),
    'parameter "q" is a column, not a table or bytes',
  ],
  [
    "rank",
    funcOf([{ kind: "load", param: 2, args: [1, 1], type: "f32" }]),
    '"slopes" takes 1 indices, not 2',
  ],
  [
    "index type",
    funcOf([{ kind: "load", param: 2, args: [0], type: "f32" }]),
    'an index of "slopes" is i32, not f32',
  ],
  [
    "element type",
    funcOf([{ kind: "load", param: 2, args: [1], type: "i32" }]),
    "its type is f32, not i32",
  ],
  ["reduce of a scalar", funcOf([reduce({}, 0)]), 'parameter "x" is a scalar, not a column'],
  ["reduction init", funcOf([reduce({ init: -Infinity })]), "init -Infinity is no f32"],
  [
    "reduction step",
    funcOf([reduce({ step: { ...one, results: [0, 0] } })]),
    "step is (f32, f32) → f32, not (f32, f32) → f32, f32",
  ],
  [
    "reduction merge",
    funcOf([reduce({ merge: { ...one, params: one.params.slice(1) } })]),
    "merge is (f32, f32) → f32, not (f32) → f32",
  ],
  [
    "reduction finish",
    funcOf([reduce({ finish: { ...one, results: [5] } })]),
    "one: result %5 does not exist",
  ],
  ["no result", funcOf([], { results: [] }), "broken: it has no result"],
  ["missing result", funcOf([], { results: [4] }), "broken: result %4 does not exist"],
  [
    "table rank",
    funcOf([], { params: [...params, { name: "t", kind: "table", type: "f32", rank: 0 }] }),
    'parameter "t": a table\'s rank is a whole number from 1, not 0',
  ],
  ["parameter name", funcOf([], { params: [...params, params[0]!] }), '"x": the name is taken'],
];

for (const [rule, func, message] of BROKEN) {
  Deno.test(`verify reports a wrong ${rule}`, () => {
    const problems = verify(func);
    assertStringIncludes(problems.map((p) => p.message).join("\n"), message);
  });
}

Deno.test("verify lists every problem, assertValid throws them with their places", () => {
  const func = funcOf([op("not", [0], "i32"), constant(Infinity, "f32")], { results: [3, 8] });
  assertEquals(verify(func).length, 3);
  const error = assertThrows(() => assertValid(func), TypeError);
  assertStringIncludes(error.message, '%2: "not" takes (i32), not (f32) (test.ts:1:1)');
  assertStringIncludes(error.message, "%3: constant Infinity is no f32");
  assertStringIncludes(error.message, "result %8 does not exist");
});

Deno.test("verify accepts what the builder makes", () => {
  fc.assert(
    fc.property(arbitraryFunc(), (func) => assertEquals(verify(func), [])),
    { seed: 3, numRuns: 200 },
  );
});
