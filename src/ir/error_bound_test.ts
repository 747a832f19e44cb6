/**
 * Error bounds hold what a target may compute: a noisy interpreter, which errs at random by as much as an
 * arithmetic allows, never leaves them; and they are exact where nothing may err.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Arithmetic } from "./arithmetic.ts";
import { FuncBuilder } from "./builder.ts";
import {
  encloses,
  type Enclosure,
  exactly,
  isExact,
  roundDown,
  roundUp,
  ulp,
} from "./enclosure.ts";
import { errorBounds } from "./error_bound.ts";
import { type Arg, interpret, reduceColumn } from "./interpret.ts";
import { evaluate } from "./ops.ts";
import { arbitraryArgs, arbitraryFunc, testSpan } from "./testing.ts";
import type { Func, OpName, Scalar } from "./types.ts";
import type { Value } from "./value.ts";

const SEED = 20261123;

const IEEE: Arithmetic = { ieee: true, errors: {} };

const ERRORS: Arithmetic["errors"] = {
  ...{ div: { ulp: 2.5 }, sqrt: { ulp: 3 }, exp: { ulp: 4 }, exp2: { ulp: 2 }, tanh: { ulp: 2 } },
  ...{ log: { ulp: 3, absolute: 2 ** -21 }, log2: { ulp: 1 } },
  ...{ sin: { ulp: 1, absolute: 2 ** -11 }, cos: { ulp: 1 }, pow: { ulp: 16 } },
};

/** The value of every node when each f32 result errs by a random part of what is allowed. */
function noisyValues(func: Func, args: readonly Arg[], how: Arithmetic, random: () => number) {
  const values: Value[] = [];
  const at = (id: number) => values[id]!;
  const real = (x: number): number => {
    const nearest = Math.fround(x);
    if (how.ieee) return nearest;
    const flushed = Math.abs(nearest) < 2 ** -126 && random() < 0.5 ? 0 : nearest;
    return flushed === 0 && random() < 0.5 ? -flushed : flushed;
  };
  for (const node of func.nodes) {
    const { type } = node;
    const given = (value: Value) => values.push(type === "f32" ? real(Number(value)) : value);
    if (node.kind === "const") given(node.value);
    else if (node.kind === "param") given(args[node.param] as Value);
    else if (node.kind === "load") {
      given((args[node.param] as number[])[Number(at(node.args[0]!))]!);
    } else if (node.kind === "reduce") {
      given(reduceColumn(node.reduction, args[node.param] as number[], { mode: "f32" }));
    } else {
      const types = node.args.map((id) => func.nodes[id]!.type);
      const exact = evaluate(node.op, types, node.args.map(at), "f64");
      if (type !== "f32") values.push(exact);
      else values.push(noisy(node.op, Number(exact)));
    }
  }
  return values;

  function noisy(op: OpName, exact: number): number {
    const bound = how.errors[op];
    if (bound === undefined) {
      // Either neighbour of what is not exact.
      if (how.ieee || !Number.isFinite(exact)) return real(exact);
      return real(random() < 0.5 ? roundDown(exact) : roundUp(exact));
    }
    const most = (bound.ulp as number) * ulp(exact) + (bound.absolute ?? 0);
    const value = Math.fround(exact + (2 * random() - 1) * most);
    return real(Math.abs(value - exact) <= most ? value : exact);
  }
}

for (const ieee of [true, false]) {
  const how: Arithmetic = { ieee, errors: ERRORS };
  Deno.test(`a noisy interpreter stays within the bounds (${ieee ? "IEEE" : "not IEEE"})`, () => {
    const property = fc.property(
      arbitraryFunc().chain((func) => fc.tuple(fc.constant(func), arbitraryArgs(func))),
      fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 97, maxLength: 97 }),
      ([func, args], noise) => {
        const bounds = errorBounds(func, args, how);
        let at = 0;
        const random = () => noise[at++ % noise.length]!;
        for (let run = 0; run < 4; run++) {
          const values = noisyValues(func, args, how, random);
          values.forEach((value, id) => {
            const { low, high } = bounds[id]!;
            const node = func.nodes[id]!;
            const what = node.kind === "op" ? node.op : node.kind;
            assert(encloses(bounds[id]!, value), `%${id} ${what}: ${value}, not ${low} … ${high}`);
          });
        }
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 1500 });
  });
}

Deno.test("without errors the bounds are the interpreter's bits", () => {
  const property = fc.property(
    arbitraryFunc().chain((func) => fc.tuple(fc.constant(func), arbitraryArgs(func))),
    ([func, args]) => {
      const bounds = errorBounds(func, args, IEEE);
      assert(bounds.every(isExact));
      const values = interpret(func, args, { mode: "f32" });
      func.results.forEach((id, i) => assert(encloses(bounds[id]!, values[i]!)));
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 500 });
});

/** The bounds of `body`'s value, made of f32 parameters. */
function boundOf(
  body: (b: FuncBuilder, args: readonly number[]) => number,
  values: readonly number[],
  how: Arithmetic = { ieee: true, errors: ERRORS },
): Enclosure {
  const b = new FuncBuilder("bounded", testSpan);
  const args = values.map((_, i) =>
    b.arg(b.param({ name: `a${i}`, kind: "scalar", type: "f32" }), testSpan)
  );
  const func = b.finish([body(b, args)]);
  return errorBounds(func, values, how)[func.results[0]!]!;
}

const constant = (b: FuncBuilder, value: number, type: Scalar = "f32") =>
  b.constant(value, type, testSpan);

Deno.test("a comparison near a tie admits both branches, one far from it only its own", () => {
  const branch = (limit: number) =>
    boundOf((b, [x]) => {
      const below = b.op("lt", [b.op("exp", [x!], testSpan), constant(b, limit)], testSpan);
      return b.op("select", [below, constant(b, -1), constant(b, 5)], testSpan);
    }, [1]);
  assertEquals(branch(Math.fround(Math.E)), { low: -1, high: 5 });
  assertEquals(branch(2.7182), exactly(5));
  assertEquals(branch(2.7184), exactly(-1));
});

Deno.test("errors grow where numbers nearly cancel", () => {
  const width = (x: number) => {
    const { low, high } = boundOf(
      (b, [a]) => b.op("sub", [b.op("exp", [a!], testSpan), constant(b, 1)], testSpan),
      [x],
    );
    return (high - low) / Math.expm1(x);
  };
  assert(width(4) < 2 ** -19);
  assert(width(0.001) > 2 ** -14);
});

Deno.test("an uncertain index reads every element that it may mean", () => {
  const b = new FuncBuilder("load", testSpan);
  const [x, table] = [
    b.param({ name: "x", kind: "scalar", type: "f32" }),
    b.param({ name: "slopes", kind: "table", type: "f32", rank: 1 }),
  ];
  const index = b.op("toI32", [b.op("exp2", [b.arg(x, testSpan)], testSpan)], testSpan);
  const func = b.finish([b.load(table, [index], testSpan)]);
  const read = (at: number) =>
    errorBounds(func, [at, [10, 20, 30, 40]], { ieee: true, errors: ERRORS })[func.results[0]!];
  assertEquals(read(1), { low: 20, high: 30 });
  assertEquals(read(1.2), exactly(30));
  assertThrows(() => read(3), RangeError, "out of bounds");
});

Deno.test("what is not promised may be anything", () => {
  const loose: Arithmetic = { ieee: false, errors: { sin: { ulp: 0, covers: () => false } } };
  const anything = { low: -Infinity, high: Infinity };
  const op = (name: OpName, values: readonly number[]) =>
    boundOf((b, args) => b.op(name, args, testSpan), values, loose);
  assertEquals(op("sin", [1]), anything);
  assertEquals(op("mul", [3e38, 3e38]), anything);
  assertEquals(op("neg", [NaN]), anything);
  assertEquals(op("neg", [0]), { low: -0, high: 0 });
  assertEquals(op("mul", [2 ** -70, 2 ** -70]), { low: -0, high: 2 ** -140 });
  assertEquals(op("add", [1, 2 ** -30]), { low: 1, high: 1 + 2 ** -23 });
  assertEquals(op("add", [1, 2]), exactly(3));
});
