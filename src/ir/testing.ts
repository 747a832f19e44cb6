/**
 * Random well-typed functions and arguments for property tests: the passes' here, the emitters' against
 * compiled code. Only tests import it. Every function it makes is valid, and every load is in bounds.
 */

import fc from "fast-check";
import { FuncBuilder } from "./builder.ts";
import type { Arg } from "./interpret.ts";
import { OP_NAMES, OPS } from "./ops.ts";
import { testMaxAbs, testMeanSquare, testSpan } from "./testing_parts.ts";
import type { Func, OpName, Param, Scalar } from "./types.ts";
import type { Value } from "./value.ts";

export * from "./testing_parts.ts";

/** Operations whose f32 result a target may round differently: its own library computes them. */
export const INEXACT_OPS: ReadonlySet<OpName> = new Set<OpName>([
  "exp",
  "exp2",
  "log",
  "log2",
  "tanh",
  "sin",
  "cos",
  "pow",
]);

/** Operations whose f32 result has the same bits on every IEEE target. */
export const EXACT_OPS: readonly OpName[] = OP_NAMES.filter((op) => !INEXACT_OPS.has(op));

/** What {@linkcode arbitraryFunc} may use. */
export interface ArbitraryFuncOptions {
  /** Default: all. */
  readonly ops?: readonly OpName[];
  /** A table, bytes and a column beside the scalars; default true. */
  readonly memory?: boolean;
  /** The most operations; default 24. */
  readonly maxNodes?: number;
}

/** Elements of the table and of the bytes that {@linkcode arbitraryFunc} declares. */
const N_ELEMENTS = 4;

const SCALARS: readonly Param[] = [
  { name: "x", kind: "scalar", type: "f32" },
  { name: "y", kind: "scalar", type: "f32" },
  { name: "i", kind: "scalar", type: "i32" },
  { name: "j", kind: "scalar", type: "i32" },
  { name: "p", kind: "scalar", type: "bool" },
];
const MEMORY: readonly Param[] = [
  { name: "slopes", kind: "table", type: "f32", rank: 1 },
  { name: "block", kind: "bytes" },
  { name: "channel", kind: "column" },
];

/** Values at which operations change their behaviour. */
const F32_EDGES = [
  0,
  -0,
  1,
  -1,
  0.5,
  -2.5,
  16777216,
  2147483648,
  3.4e38,
  1e-45,
  NaN,
  Infinity,
  -Infinity,
];
const I32_EDGES = [0, 1, -1, 2, 31, 32, 33, 0x7c00, 0x7e00, 2147483647, -2147483648];

const f32 = fc.oneof(
  fc.constantFrom(...F32_EDGES.map(Math.fround)),
  fc.float(),
  fc.float({ min: -8, max: 8, noNaN: true }),
);
const i32 = fc.oneof(
  fc.constantFrom(...I32_EDGES),
  fc.integer(),
  fc.integer({ min: -64, max: 64 }),
);

const VALUES: Readonly<Record<Scalar, fc.Arbitrary<Value>>> = { f32, i32, bool: fc.boolean() };

/** A constant of a type: finite, and −0 only as f32. */
const CONSTANTS: Readonly<Record<Scalar, fc.Arbitrary<Value>>> = {
  f32: fc.oneof(fc.constantFrom(0, -0, 1), f32, fc.double({ min: -4, max: 4 }))
    .filter((x) => Number.isFinite(Math.fround(x))),
  i32: i32.filter((x) => !Object.is(x, -0)),
  bool: fc.boolean(),
};

/** One node to be; `picks` choose among what is there when it is built. */
type Step =
  | { readonly kind: "const"; readonly type: Scalar; readonly value: Value }
  | { readonly kind: "op"; readonly op: OpName; readonly picks: readonly number[] }
  | { readonly kind: "load" | "reduce"; readonly picks: readonly number[] };

/**
 * A random valid function of x, y: f32, i, j: i32, p: bool and the memory asked for. It returns its three
 * newest f32 values, its two newest i32 and its newest bool.
 */
export function arbitraryFunc(options: ArbitraryFuncOptions = {}): fc.Arbitrary<Func> {
  const { ops = OP_NAMES, memory = true, maxNodes = 24 } = options;
  // Small picks reach the newest values: expressions grow deep instead of wide.
  const pick = fc.oneof(fc.nat(3), fc.nat());
  const picks = fc.tuple(pick, pick, pick, pick);
  const constants = (["f32", "i32", "bool"] as const).map((type) =>
    fc.record({
      kind: fc.constant("const" as const),
      type: fc.constant(type),
      value: CONSTANTS[type],
    })
  );
  const operation = fc.record({
    kind: fc.constant("op" as const),
    op: fc.constantFrom(...ops),
    picks,
  });
  const reads = fc.record({ kind: fc.constantFrom("load" as const, "reduce" as const), picks });
  const steps: fc.Arbitrary<Step>[] = [operation, operation, operation, ...constants];
  if (memory) steps.push(reads);
  const body = fc.array(fc.oneof(...steps), { minLength: 1, maxLength: maxNodes, size: "max" });
  return body.map((list) => build(list, memory));
}

/** Arguments for a function of {@linkcode arbitraryFunc}: NaN, ±∞, −0 and i32's ends included. */
export function arbitraryArgs(func: Func): fc.Arbitrary<Arg[]> {
  return fc.tuple(...func.params.map((p): fc.Arbitrary<Arg> => {
    const run = { minLength: N_ELEMENTS, maxLength: N_ELEMENTS };
    switch (p.kind) {
      case "scalar":
        return VALUES[p.type];
      case "table":
        return fc.array(p.type === "f32" ? f32 : i32, run);
      case "bytes":
        return fc.array(fc.nat(255), run);
      case "column":
        return fc.array(f32, { maxLength: 9 });
    }
  }));
}

/** Whether results have the same bits; every NaN is one value. */
export function sameBits(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

function build(steps: readonly Step[], memory: boolean): Func {
  const builder = new FuncBuilder("random", testSpan);
  const params = [...SCALARS, ...(memory ? MEMORY : [])];
  const indices = params.map((p) => builder.param(p));
  const ids = SCALARS.map((_, index) => builder.arg(index, testSpan));
  const indexOf = (name: string) => indices[params.findIndex((p) => p.name === name)]!;
  const pick = (type: Scalar, n: number) => {
    const fitting = ids.filter((id) => builder.typeOf(id) === type);
    return fitting[fitting.length - 1 - n % fitting.length]!;
  };
  for (const step of steps) ids.push(add(step));
  const newest = (type: Scalar, n: number) => Array.from({ length: n }, (_, i) => pick(type, i));
  return builder.finish([...newest("f32", 3), ...newest("i32", 2), ...newest("bool", 1)]);

  function add(step: Step): number {
    switch (step.kind) {
      case "const":
        return builder.constant(step.value, step.type, testSpan);
      case "op": {
        const { overloads } = OPS[step.op];
        const overload = overloads[step.picks[3]! % overloads.length]!;
        const args = overload.operands.map((type, i) => pick(type, step.picks[i]!));
        return builder.op(step.op, args, testSpan);
      }
      case "load": {
        const last = builder.constant(N_ELEMENTS - 1, "i32", testSpan);
        const index = builder.op("and", [pick("i32", step.picks[0]!), last], testSpan);
        return builder.load(
          indexOf(step.picks[1]! % 2 === 0 ? "slopes" : "block"),
          [index],
          testSpan,
        );
      }
      case "reduce": {
        const reduction = step.picks[0]! % 2 === 0 ? testMeanSquare : testMaxAbs;
        return builder.reduce(reduction, indexOf("channel"), testSpan);
      }
    }
  }
}
