/**
 * The transcendental functions of templates/c/kerf_math.h against f64: over every exponent of f32, both
 * signs, the places where a formula changes, and the ends. The scalar form has the lanes' bits, and every
 * instruction set has the same ones.
 */

import { assert, assertEquals } from "@std/assert";
import { PRECEDENCE } from "../src/emit/code.ts";
import type { Operand } from "../src/emit/code.ts";
import { c } from "../src/emit/targets/c/mod.ts";
import { runKernel, testIsas } from "../src/device/testing.ts";
import type { Isa } from "../src/device/testing.ts";
import { evaluate } from "../src/ir/ops.ts";
import { INEXACT_OPS } from "../src/ir/testing.ts";
import type { OpName } from "../src/ir/types.ts";
import { randomFrom } from "./_kernel.ts";

/** Largest errors in units in the last place, as kerf_math.h states them. */
const boundUlp = (op: OpName) => c.arithmetic.errors[op]!.ulp as number;

const isas = await testIsas();
const view = new DataView(new ArrayBuffer(4));
const fromBits = (bits: number) => (view.setUint32(0, bits), view.getFloat32(0));

/** Places of special meaning: ends, where eˣ leaves the range, where tanh and sin change formula. */
const EDGES = [
  ...[
    0,
    1,
    2,
    0.5,
    0.625,
    88.72283,
    88.72284,
    103.97,
    104,
    128,
    149,
    150,
    3.4e38,
    1.4e-45,
    1.2e-38,
  ],
  ...[
    9,
    10,
    1048575.9,
    1048576,
    1e10,
    Infinity,
    NaN,
    Math.SQRT1_2,
    Math.SQRT2,
    Math.PI,
    Math.PI / 2,
  ],
];

/** Every exponent with random fractions, and values of a size that the functions answer to. */
function inputs(): Float32Array<ArrayBuffer> {
  const random = randomFrom(11);
  const values = EDGES.flatMap((x) => [x, -x]);
  for (let exponent = 0; exponent < 255; exponent++) {
    for (let i = 0; i < 16; i++) {
      const fraction = Math.floor((random() + 1) * 2 ** 22);
      values.push(
        fromBits((exponent << 23 | fraction) >>> 0),
        -fromBits(exponent << 23 | fraction),
      );
    }
  }
  for (let i = 0; i < 8192; i++) values.push(110 * random(), 2 * random());
  while (values.length % 16 !== 0) values.push(0);
  return Float32Array.from(values);
}

const x = inputs();
const random = randomFrom(12);
/** Exponents for pow: small whole ones, halves and any. */
const y = x.map((_, i) =>
  i % 3 === 0
    ? Math.round(8 * random())
    : i % 3 === 1
    ? Math.round(8 * random()) / 2
    : 20 * random()
);

const OPS = [...INEXACT_OPS];

/** A kernel that computes every function of every x in both forms. */
function kernelText(): string {
  const operand = (text: string, varying: boolean): Operand => ({
    ...{ text, precedence: PRECEDENCE.atom, type: "f32", varying },
  });
  const expression = (op: OpName, form: "scalar" | "lanes") => {
    const args = form === "lanes" ? ["x", "y"] : ["args->x[i + lane]", "args->y[i + lane]"];
    const arity = op === "pow" ? 2 : 1;
    const operands = args.slice(0, arity).map((text) => operand(text, form === "lanes"));
    return c[form].ops[op](operands, "f32").text;
  };
  return `#include "kerf.h"
#include "kerf_softmax.h"
struct functions_args { const float *x, *y; float *lanes, *scalar, *weights, *near; uint32_t n; };
static void functions(const struct functions_args *args, uint32_t first, uint32_t last)
{
  for (size_t i = 16 * first; i < 16 * last; i += 16) {
    const f32x16 x = kerf_load16(&args->x[i]), y = kerf_load16(&args->y[i]);
${
    OPS.map((op, n) => `
    kerf_store16(&args->lanes[${n} * (size_t)args->n + i], ${expression(op, "lanes")});
    for (int lane = 0; lane < 16; lane++) {
      args->scalar[${n} * (size_t)args->n + i + lane] = ${expression(op, "scalar")};
    }`).join("\n")
  }
    kerf_store16(&args->weights[i], kerf_weight16(x));
    kerf_store16(&args->near[i], kerf_near_weight16(x));
  }
}
KERF_EXPORT uint64_t functions_address(void);
uint64_t functions_address(void) { return (uint64_t)(uintptr_t)functions; }
`;
}

/** Results of every function, op by op, in both forms. */
async function run(isa: Isa) {
  const { lanes, scalar, weights, near } = await runKernel({
    entry: {
      signature: {
        name: "functions",
        bindings: [
          { name: "x", dtype: "f32", access: "read", shape: ["n"] },
          { name: "y", dtype: "f32", access: "read", shape: ["n"] },
          { name: "lanes", dtype: "f32", access: "write", shape: ["nOps", "n"] },
          { name: "scalar", dtype: "f32", access: "write", shape: ["nOps", "n"] },
          { name: "weights", dtype: "f32", access: "write", shape: ["n"] },
          { name: "near", dtype: "f32", access: "write", shape: ["n"] },
        ],
        constants: [{ name: "n", dtype: "u32" }],
        defines: [],
      },
      sources: {
        c: {
          file: "generated/c/functions.c",
          sha256: "",
          template: "",
          grid: [{ of: { constant: "n" }, per: 16 }],
        },
      },
      authored: [],
    },
    text: kernelText(),
    buffers: {
      ...{ x, y },
      lanes: new Float32Array(OPS.length * x.length),
      scalar: new Float32Array(OPS.length * x.length),
      weights: new Float32Array(x.length),
      near: new Float32Array(x.length),
    },
    constants: { n: x.length },
    isa,
  });
  return { lanes: lanes!, scalar: scalar!, weights: weights!, near: near! };
}

/** Distance in units in the last place of the f32 nearest to `expected`; 0 for equal specials. */
function errorUlp(actual: number, expected: number): number {
  const nearest = Math.fround(expected);
  if (Object.is(actual, nearest) || (actual === 0 && nearest === 0)) return 0;
  if (!Number.isFinite(nearest) || Number.isNaN(actual)) return Infinity;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(nearest))));
  // Just below the largest f32 an infinite result is off by less than one unit.
  const value = Number.isFinite(actual) ? actual : Math.sign(actual) * 2 ** 128;
  return Math.abs(value - expected) / 2 ** (exponent - 23);
}

for (const [n, op] of OPS.entries()) {
  Deno.test(`${op} is within ${boundUlp(op)} units in the last place`, async () => {
    const { lanes } = await run(isas[0]!);
    let worst = { error: 0, x: 0, y: 0 };
    x.forEach((value, i) => {
      const operands = op === "pow" ? [value, y[i]!] : [value];
      const expected = evaluate(op, operands.map(() => "f32"), operands, "f64") as number;
      const error = errorUlp(lanes[n * x.length + i]!, expected);
      if (!(error <= worst.error)) worst = { error, x: value, y: y[i]! };
    });
    const about = `off by ${worst.error} at x = ${worst.x}, y = ${worst.y}`;
    assert(worst.error <= boundUlp(op), about);
  });
}

Deno.test("one value at a time and sixteen lanes give the same bits", async () => {
  const { lanes, scalar } = await run(isas[0]!);
  assertEquals(scalar, lanes);
});

for (const isa of isas) {
  Deno.test(`${isa}: a weight is exp's bits down to e^-87, and 0 below`, async () => {
    const { lanes, weights } = await run(isa);
    const exp = lanes.subarray(OPS.indexOf("exp") * x.length);
    const compared = [...x.keys()].filter((i) => !(x[i]! > 0));
    const expected = compared.map((i) => x[i]! <= -87 ? 0 : exp[i]!);
    assertEquals(compared.map((i) => weights[i]!), expected);
    assert(expected.includes(0) && expected.some(Number.isNaN) && expected.includes(1));
  });
}

Deno.test("a near weight is within 4e-6 of e^x down to e^-44, 0 below, 1 at 0", async () => {
  const { near } = await run(isas[0]!);
  let worst = { error: 0, x: 0 }, largestOfNone = 0;
  x.forEach((value, i) => {
    if (value > 0) return;
    if (Number.isNaN(value)) assert(Number.isNaN(near[i]!));
    else if (value <= -44) largestOfNone = Math.max(largestOfNone, Math.abs(near[i]!));
    else {
      const error = Math.abs(near[i]! / Math.exp(value) - 1);
      if (!(error <= worst.error)) worst = { error, x: value };
      if (value === 0) assertEquals(near[i]!, 1);
    }
  });
  assertEquals(largestOfNone, 0);
  assert(worst.error <= 4e-6, `off by ${worst.error} at x = ${worst.x}`);
  assert(worst.error > 1e-6, "no weight was far off: was any compared?");
});

for (const isa of isas.slice(1)) {
  Deno.test(`${isa} gives the bits of ${isas[0]}`, async () => {
    const [best, other] = [await run(isas[0]!), await run(isa)];
    assertEquals(other.lanes, best.lanes);
    assertEquals(other.scalar, best.scalar);
    const near = ({ near }: typeof best) => near.filter((_, i) => !(x[i]! > 0));
    assertEquals(near(other), near(best));
  });
}
