/**
 * Expressions as WGSL against the interpreter's f32 mode: the bits of random expressions of exact operations
 * as long as every value on the way is finite and normal, which is more than WGSL promises and what
 * adapters keep; and each operation alone, over all pairs of special values, within its error bound.
 */

import { assert } from "@std/assert";
import fc from "fast-check";
import { wgsl } from "../../src/emit/targets/wgsl/mod.ts";
import { FuncBuilder } from "../../src/ir/builder.ts";
import { encloses, isFinite } from "../../src/ir/enclosure.ts";
import { errorBounds } from "../../src/ir/error_bound.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { OPS } from "../../src/ir/ops.ts";
import { arbitraryFunc, EXACT_OPS, testSpan } from "../../src/ir/testing.ts";
import type { Func, OpName, Scalar } from "../../src/ir/types.ts";
import { gpuTest } from "../_wgsl.ts";
import { type Sample, samplesOf } from "../expressions/sample.ts";
import { run } from "../expressions/wgsl.ts";

const isOrdinary = (value: number | boolean) =>
  typeof value === "boolean" || value === 0 ||
  (Number.isFinite(value) && Math.abs(value) >= 2 ** -126);

/** The function that returns every node: what happens on the way to the results. */
const allNodes = (func: Func): Func => ({ ...func, results: func.nodes.map((node) => node.id) });

/** WGSL's division and square root may be off by 2.5 units in the last place. */
const BIT_OPS = EXACT_OPS.filter((op) => op !== "div" && op !== "sqrt");

gpuTest("WGSL: random expressions of exact operations have the interpreter's bits", async () => {
  const [seed, nFuncs] = [20260801, 60];
  const funcs = fc.sample(arbitraryFunc({ ops: BIT_OPS }), { numRuns: nFuncs, seed });
  const all = samplesOf(funcs, { seed });
  const got = await run(all);
  let compared = 0;
  all.forEach(({ func, lanes }, n) =>
    lanes.forEach((args, lane) => {
      const ordinary = interpret(allNodes(func), args, { mode: "f32" }).every((value, id) =>
        func.nodes[id]!.type !== "f32" || isOrdinary(value)
      );
      if (!ordinary) return;
      interpret(func, args, { mode: "f32" }).forEach((want, i) => {
        const value = got[n]![lane]![i]!;
        const where = `expression ${n}, lane ${lane}, result ${i}`;
        // A sum that is 0 may have either sign where a product was fused into it.
        assert(value === want, `${where}: ${value}, not ${want}`);
        compared++;
      });
    })
  );
  // Most random arguments meet an infinity or NaN on the way.
  assert(compared > 500, `only ${compared} values were compared`);
});

const F32_VALUES = [
  ...[0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 7, -7, 0.1, 100.7, -87, 88, 16777217, 2147483648],
  ...[-2147483648, 4e9, -4e9, 1e-30, 1e30, 3.4e38, -3.4e38, 1e-37, 0.625, -0.624, 10, 20],
].map(Math.fround);
const I32_VALUES = [0, 1, -1, 2, 3, -7, 31, 32, 33, 255, 0x7c01, 0xfc00, 65535, 2147483647];
const VALUES: Readonly<Record<Scalar, readonly (number | boolean)[]>> = {
  f32: F32_VALUES,
  i32: [...I32_VALUES, -2147483648],
  bool: [false, true],
};

/** A function of one operation, and arguments that pair every value with every other. */
function operationSamples(op: OpName): Sample[] {
  return OPS[op].overloads.map(({ operands }): Sample => {
    const builder = new FuncBuilder(op, testSpan);
    const ids = operands.map((type, i) =>
      builder.arg(builder.param({ name: `a${i}`, kind: "scalar", type }), testSpan)
    );
    const func = builder.finish([builder.op(op, ids, testSpan)]);
    const tuples = operands.reduce<(number | boolean)[][]>(
      (rows, type) => rows.flatMap((row) => VALUES[type].map((value) => [...row, value])),
      [[]],
    );
    return { func, lanes: tuples };
  });
}

for (const op of Object.keys(OPS) as OpName[]) {
  gpuTest(`WGSL: operation ${op} has the interpreter's values`, async () => {
    const all = operationSamples(op);
    const got = await run(all);
    let compared = 0;
    all.forEach(({ func, lanes }, n) =>
      lanes.forEach((args, lane) => {
        const bound = errorBounds(func, args, wgsl.arithmetic)[func.results[0]!]!;
        const value = got[n]![lane]![0]!;
        const where = `${op}(${args.join(", ")}) is ${value}, not ${bound.low} … ${bound.high}`;
        assert(encloses(bound, value), where);
        // What overflows or is no number may be anything.
        if (isFinite(bound)) compared++;
      })
    );
    assert(compared > 1, `${op}: nothing was compared`);
  });
}
