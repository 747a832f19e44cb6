import { assert, assertEquals, assertThrows } from "@std/assert";
import { describeOperands, evaluate, OP_NAMES, OPS, resultType } from "./ops.ts";
import { sameBits } from "./testing.ts";
import type { OpName, Scalar } from "./types.ts";
import type { Mode, Value } from "./value.ts";

const INT_MIN = -2147483648;
const INT_MAX = 2147483647;
const f = Math.fround;

/** [operands, result] per operand type; f32 cases run in mode "f32". */
type Cases = Partial<Record<Scalar, readonly (readonly [readonly Value[], Value])[]>>;

const CASES: Record<OpName, Cases> = {
  neg: {
    f32: [[[0], -0], [[-0], 0], [[NaN], NaN], [[-Infinity], Infinity]],
    i32: [[[0], 0], [[INT_MIN], INT_MIN], [[7], -7]],
  },
  abs: {
    f32: [[[-0], 0], [[-Infinity], Infinity], [[NaN], NaN]],
    i32: [[[INT_MIN], INT_MIN], [[-7], 7]],
  },
  sign: {
    f32: [[[-0], -0], [[NaN], NaN], [[-Infinity], -1], [[1e-45], 1]],
    i32: [[[INT_MIN], -1], [[0], 0], [[9], 1]],
  },
  add: {
    f32: [
      [[f(0.1), f(0.2)], f(f(0.1) + f(0.2))],
      [[16777216, 1], 16777216],
      [[Infinity, -Infinity], NaN],
      [[-0, -0], -0],
      [[-0, 0], 0],
      [[f(3.4e38), f(3.4e38)], Infinity],
    ],
    i32: [[[INT_MAX, 1], INT_MIN], [[INT_MIN, -1], INT_MAX]],
  },
  sub: {
    f32: [[[Infinity, Infinity], NaN], [[-0, 0], -0], [[0, 0], 0], [[16777216, -1], 16777216]],
    i32: [[[INT_MIN, 1], INT_MAX], [[0, INT_MIN], INT_MIN]],
  },
  mul: {
    f32: [[[0, Infinity], NaN], [[-0, 5], -0], [[f(1e30), f(1e30)], Infinity], [[
      f(1e-30),
      f(1e-30),
    ], 0]],
    i32: [[[65536, 65536], 0], [[0x7fffffff, 0x7fffffff], 1], [[-3, 5], -15], [[-3, 0], 0]],
  },
  min: {
    f32: [[[NaN, 1], NaN], [[1, NaN], NaN], [[0, -0], -0], [[-0, 0], -0], [
      [-Infinity, 1],
      -Infinity,
    ]],
    i32: [[[INT_MIN, INT_MAX], INT_MIN], [[3, -3], -3]],
  },
  max: {
    f32: [[[NaN, 1], NaN], [[1, NaN], NaN], [[0, -0], 0], [[-0, 0], 0], [[Infinity, 1], Infinity]],
    i32: [[[INT_MIN, INT_MAX], INT_MAX], [[3, -3], 3]],
  },
  div: {
    f32: [[[1, 3], f(1 / 3)], [[1, 0], Infinity], [[1, -0], -Infinity], [[0, 0], NaN], [
      [-0, 5],
      -0,
    ]],
  },
  rem: {
    f32: [[[-5, 3], -2], [[5, -3], 2], [[-6, 3], -0], [[5, 0], NaN], [[5, Infinity], 5], [[
      Infinity,
      5,
    ], NaN]],
  },
  sqrt: { f32: [[[2], f(Math.SQRT2)], [[-0], -0], [[-1], NaN], [[Infinity], Infinity]] },
  exp: { f32: [[[1], f(Math.E)], [[-Infinity], 0], [[89], Infinity], [[-0], 1], [[NaN], NaN]] },
  exp2: {
    f32: [[[10], 1024], [[-149], f(2 ** -149)], [[-151], 0], [[128], Infinity], [[NaN], NaN]],
  },
  log: {
    f32: [[[2], f(Math.LN2)], [[0], -Infinity], [[-0], -Infinity], [[-1], NaN], [
      [Infinity],
      Infinity,
    ]],
  },
  log2: { f32: [[[8], 3], [[0], -Infinity], [[-1], NaN], [[f(2 ** -149)], -149]] },
  tanh: { f32: [[[Infinity], 1], [[-Infinity], -1], [[-0], -0], [[50], 1], [[NaN], NaN]] },
  sin: { f32: [[[-0], -0], [[Infinity], NaN], [[1], f(Math.sin(1))]] },
  cos: { f32: [[[-0], 1], [[-Infinity], NaN], [[1], f(Math.cos(1))]] },
  pow: {
    f32: [
      [[2, 10], 1024],
      [[NaN, 0], 1],
      [[1, NaN], NaN],
      [[-1, Infinity], NaN],
      [[-8, f(1 / 3)], NaN],
      [[0, -1], Infinity],
      [[-0, -1], -Infinity],
    ],
  },
  floor: { f32: [[[-0.5], -1], [[-0], -0], [[0.5], 0], [[-Infinity], -Infinity], [[NaN], NaN]] },
  ceil: { f32: [[[-0.5], -0], [[0.5], 1], [[Infinity], Infinity], [[NaN], NaN]] },
  trunc: { f32: [[[-1.7], -1], [[-0.5], -0], [[1.7], 1], [[NaN], NaN]] },
  round: {
    f32: [
      [[0.5], 0],
      [[1.5], 2],
      [[2.5], 2],
      [[-0.5], -0],
      [[-1.5], -2],
      [[-2.5], -2],
      [[-0.3], -0],
      [[0.75], 1],
      [[-0], -0],
      [[f(0.49999997)], 0],
      [[8388609], 8388609],
      [[Infinity], Infinity],
      [[NaN], NaN],
    ],
  },
  idiv: { i32: [[[7, 2], 3], [[-7, 2], -3], [[7, -2], -3], [[7, 0], 0], [[INT_MIN, -1], INT_MIN]] },
  imod: {
    i32: [[[7, 2], 1], [[-7, 2], -1], [[7, -2], 1], [[-6, 3], 0], [[7, 0], 0], [[INT_MIN, -1], 0]],
  },
  imul: { i32: [[[0x7fffffff, 0x7fffffff], 1], [[INT_MIN, -1], INT_MIN], [[-3, 5], -15]] },
  and: { i32: [[[-1, 15], 15], [[INT_MIN, -1], INT_MIN]] },
  or: { i32: [[[INT_MIN, 1], INT_MIN + 1], [[8, 3], 11]] },
  xor: { i32: [[[-1, 1], -2], [[INT_MIN, -1], INT_MAX]] },
  not: { i32: [[[0], -1], [[INT_MIN], INT_MAX]] },
  shl: {
    i32: [[[1, 31], INT_MIN], [[1, 32], 1], [[1, 33], 2], [[1, -1], INT_MIN], [[3, 31], INT_MIN]],
  },
  shr: { i32: [[[INT_MIN, 31], -1], [[-8, 32], -8], [[-8, 33], -4], [[8, -1], 0]] },
  ushr: { i32: [[[-1, 0], -1], [[-1, 31], 1], [[-1, 32], -1], [[-8, 33], 0x7ffffffc]] },
  lt: {
    f32: [[[NaN, 1], false], [[-0, 0], false], [[1, 2], true]],
    i32: [[[INT_MIN, INT_MAX], true]],
  },
  le: { f32: [[[NaN, NaN], false], [[0, -0], true]], i32: [[[2, 1], false], [[1, 1], true]] },
  gt: { f32: [[[NaN, 1], false], [[Infinity, 1], true]], i32: [[[INT_MIN, INT_MAX], false]] },
  ge: { f32: [[[NaN, NaN], false], [[-0, 0], true]], i32: [[[1, 2], false], [[1, 1], true]] },
  eq: { f32: [[[NaN, NaN], false], [[-0, 0], true]], i32: [[[INT_MIN, INT_MIN], true]] },
  ne: { f32: [[[NaN, NaN], true], [[-0, 0], false]], i32: [[[1, 2], true]] },
  land: { bool: [[[true, true], true], [[true, false], false], [[false, true], false]] },
  lor: { bool: [[[false, false], false], [[true, false], true], [[false, true], true]] },
  lnot: { bool: [[[true], false], [[false], true]] },
  toF32: {
    i32: [[[16777217], 16777216], [[INT_MAX], 2147483648], [[0], 0]],
    bool: [[[true], 1], [[false], 0]],
  },
  toI32: {
    f32: [
      [[1.9], 1],
      [[-1.9], -1],
      [[-0.5], 0],
      [[3e9], INT_MAX],
      [[-3e9], INT_MIN],
      [[Infinity], INT_MAX],
      [[-Infinity], INT_MIN],
      [[NaN], 0],
    ],
    bool: [[[true], 1]],
  },
  f16ToF32: {
    i32: [
      [[0x3c00], 1],
      [[0xc000], -2],
      [[0x7bff], 65504],
      [[0x0001], 2 ** -24],
      [[0x03ff], 1023 * 2 ** -24],
      [[0x8000], -0],
      [[0x7c00], Infinity],
      [[0xfc00], -Infinity],
      [[0x7e00], NaN],
      [[0x13c00], 1],
      [[-0x8000], -0],
    ],
  },
  select: {
    f32: [[[true, -0, 1], -0], [[false, 1, NaN], NaN]],
    i32: [[[true, 1, 2], 1], [[false, 1, 2], 2]],
    bool: [[[false, true, false], false], [[true, true, false], true]],
  },
};

const overloadFor = (op: OpName, type: Scalar) => {
  const found = OPS[op].overloads.find((o) => o.operands.at(-1) === type);
  if (found === undefined) throw new Error(`${op} takes no ${type}`);
  return found;
};

for (const op of OP_NAMES) {
  Deno.test(`op ${op}: edge cases`, () => {
    for (const overload of OPS[op].overloads) {
      const type = overload.operands.at(-1)!;
      assert(CASES[op][type] !== undefined, `no case of ${op} on ${type}`);
    }
    for (
      const [type, cases] of Object.entries(CASES[op]) as [Scalar, NonNullable<Cases["f32"]>][]
    ) {
      const { operands, result } = overloadFor(op, type);
      assertEquals(resultType(op, operands), result);
      for (const [values, expected] of cases) {
        const got = evaluate(op, operands, values, "f32");
        assert(sameBits([got], [expected]), `${op}(${values}) is ${got}, not ${expected}`);
      }
    }
  });
}

Deno.test("f16ToF32 reads every half as Float16Array does", () => {
  const bits = new Uint16Array(65536).map((_, i) => i);
  const halves = new Float16Array(bits.buffer);
  for (let i = 0; i < 65536; i++) {
    assert(Object.is(evaluate("f16ToF32", ["i32"], [i], "f32"), halves[i]), `half ${i}`);
  }
});

Deno.test("mode f64 rounds nothing, mode f32 rounds every f32 result", () => {
  const run = (mode: Mode) => evaluate("div", ["f32", "f32"], [1, 3], mode);
  assertEquals(run("f64"), 1 / 3);
  assertEquals(run("f32"), f(1 / 3));
  assertEquals(evaluate("toF32", ["i32"], [16777217], "f64"), 16777217);
});

Deno.test("the typing rule refuses mixed operands and names what it takes", () => {
  assertEquals(resultType("add", ["f32", "i32"]), null);
  assertEquals(resultType("add", ["f32"]), null);
  assertEquals(resultType("select", ["i32", "f32", "f32"]), null);
  assertEquals(resultType("sqrt", ["i32"]), null);
  assertEquals(describeOperands("min"), "(f32, f32) or (i32, i32)");
  assertThrows(
    () => evaluate("and", ["f32", "i32"], [1, 1], "f32"),
    TypeError,
    'Cannot evaluate "and" of (f32, i32): it takes (i32, i32)',
  );
});

Deno.test("every overload of an operation has its arity", () => {
  for (const op of OP_NAMES) {
    for (const { operands } of OPS[op].overloads) assertEquals(operands.length, OPS[op].arity);
  }
});
