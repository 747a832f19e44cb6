/**
 * Products of 8-bit codes: a problem, what it must give to the bit by the reference and nearly by f64, and the kernel's
 * run on any corner of it. One large reference serves every smaller shape as its corner.
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { PACKINGS } from "../src/core/mod.ts";
import type { PackingName } from "../src/core/mod.ts";
import type { Isa } from "../src/device/testing.ts";
import type { Matmul } from "../src/dsl/matmul.ts";
import type { KernelSource } from "../src/emit/types.ts";
import {
  authorRunner,
  blockSums,
  dequantizeRows,
  interpreterRunner,
  matmulQ8Exact,
  matmulReference,
  packCodes,
  quantizedBytes,
  quantizeRows,
  rowSums,
} from "../src/reference/mod.ts";
import { activations, randomFrom, runNamed } from "./_kernel.ts";
import { epilogueError, packedRows } from "./_weights.ts";

/** Sizes of a product. */
export interface Shape {
  readonly nRows: number;
  readonly nIn: number;
  readonly nOut: number;
}

/** A matrix of codes: the largest and the smallest too, so that what can overflow does. */
function codedWeights(name: PackingName, nOut: number, nIn: number) {
  const { codes, group, scaleType } = PACKINGS[name];
  const random = randomFrom(nOut + nIn);
  const top = codes === "u4" ? 15 : 255;
  const round = scaleType === "f16" ? Math.f16round : Math.fround;
  const fill = (n: number, make: (i: number) => number) =>
    Array.from({ length: n }, (_, i) => make(i));
  return {
    ...{ nOut, nIn },
    codes: fill(nOut * nIn, (i) => i % 96 < 32 ? top : Math.floor((random() + 1) / 2 * (top + 1))),
    scales: fill(nOut * nIn / group, () => round(random() / 8)),
    offsets: fill(nOut * nIn / group, () => round(random())),
  };
}

/** A problem, what it must give to the bit, and how far that may be from f64. */
export function problem({ definition, funcs }: KernelSource, packing: PackingName, shape: Shape) {
  const matmul = definition as Matmul;
  const { nRows, nIn, nOut } = shape;
  const random = randomFrom(nIn * 31 + nOut);
  const values = activations(nRows * nIn, random);
  // Codes of 127 all along a block meet the largest codes of weights.
  values.fill(5, 0, 32);
  const x = quantizeRows(values);
  const weight = codedWeights(packing, packedRows(matmul, nOut), nIn);
  const inputs = Object.fromEntries(
    matmul.inputs.map((name) => [name, activations(nRows * nOut, random)]),
  );
  const eps = 1e-5;
  // What the rows were before a norm: sums of squares from next to nothing to large ones.
  const rows = activations(nRows * nIn, random).map((value, i) => value * (i / nIn & 1 ? 1e-3 : 1));
  const xSums = blockSums(rows.map((value) => value * value), nIn);
  const totals = [...rowSums(xSums, { nRows, width: nIn })];
  const scales = matmul.after && totals.map((total) => {
    const [author, interpreter] = [
      authorRunner(definition, "after.scale"),
      interpreterRunner(definition, "after.scale", { func: funcs["after.scale"]!, mode: "f32" }),
    ].map((run) => run(total, nIn, { eps })[0] as number);
    // A quotient, a sum, a root and a reciprocal, each rounded.
    assertAlmostEquals(interpreter!, author!, author! * 2 ** -21);
    return interpreter!;
  });
  const given = { ...shape, products: matmul.products, inputs };
  const func = funcs["epilogue"]!;
  const { group } = PACKINGS[packing];
  const dequantized = Float64Array.from(weight.codes, (code, i) => {
    const at = Math.floor(i / group);
    return code * weight.scales[at]! + weight.offsets[at]!;
  });
  const wide = matmulReference({
    ...{ ...given, weight: dequantized },
    x: dequantizeRows(x).map((value, i) => value * (scales?.[Math.floor(i / nIn)] ?? 1)),
    epilogue: authorRunner(definition, "epilogue"),
  });
  return {
    ...{ ...given, name: `${definition.name}_q8__${packing}`, x, weight, wide },
    ...{ matmul, eps, xSums, scale: Math.max(1, ...scales ?? []) },
    packed: packCodes(packing, weight),
    exact: matmulQ8Exact({
      ...{ ...given, x, weight, ...(scales ? { scales } : {}) },
      epilogue: interpreterRunner(definition, "epilogue", { func, mode: "f32" }),
    }),
  };
}

export type Problem = ReturnType<typeof problem>;

/** The first rows and outputs of a problem as the kernel computes them; rows lie apart in memory. */
export async function runCorner(
  full: Problem,
  { nRows, nOut }: { readonly nRows: number; readonly nOut: number },
  options: { readonly isa?: Isa; readonly threads?: number } = {},
): Promise<Float32Array> {
  const { nIn } = full;
  const [xStride, yStride, yOffset] = [nIn + 32, nOut + 5, 2];
  const rowBytes = quantizedBytes(full.x).length / full.nRows;
  const strideBytes = rowBytes / nIn * xStride;
  const x = new Uint8Array(nRows * strideBytes).fill(0xff);
  const rows = quantizedBytes(full.x);
  for (let r = 0; r < nRows; r++) {
    x.set(rows.subarray(r * rowBytes, (r + 1) * rowBytes), r * strideBytes);
  }
  const inputs = Object.entries(full.inputs).map(([name, values]) => {
    const own = new Float32Array(nRows * yStride).fill(NaN);
    for (let r = 0; r < nRows; r++) {
      own.set(values.subarray(r * full.nOut, r * full.nOut + nOut), r * yStride + 1);
    }
    return [name, own] as const;
  });
  const groupBytes = full.packed.length / Math.ceil(full.nOut / 16);
  const { y } = await runNamed(full.name, {
    ...options,
    buffers: {
      ...{ x, weight: full.packed.slice(0, Math.ceil(nOut / 16) * groupBytes) },
      ...Object.fromEntries(inputs),
      ...(full.matmul.after ? { x_sums: full.xSums } : {}),
      y: new Float32Array(nRows * yStride).fill(-7),
    },
    constants: {
      ...{ rows_field: 0, n_in: nIn, n_out: nOut },
      ...{ x_stride: xStride, y_stride: yStride, y_offset: yOffset },
      ...(full.matmul.after ? { eps: full.eps } : {}),
      ...Object.fromEntries(
        inputs.flatMap(([name]) => [[`${name}_stride`, yStride], [`${name}_offset`, 1]]),
      ),
    },
    step: { nRows },
  });
  const between = (i: number) => i % yStride < yOffset || i % yStride >= yOffset + nOut;
  assert(y!.every((value, i) => !between(i) || value === -7), "a value was stored between rows");
  return y!.filter((_, i) => !between(i));
}

/** Holds a corner to both references. */
export function assertCorner(
  y: Float32Array,
  full: Problem,
  { nRows, nOut, about }: { nRows: number; nOut: number; about: string },
): void {
  assertEquals(y.length, nRows * nOut);
  y.forEach((value, i) => {
    const at = Math.floor(i / nOut) * full.nOut + i % nOut;
    const want = full.exact[at]!;
    const where = `${about}, ${nRows} rows, ${nOut} of ${full.nIn}: y[${i}]`;
    // An epilogue of two products is no sum: its functions are not rounded as the interpreter's.
    const same = full.products.length === 0
      ? Object.is(value + 0, want + 0)
      : Math.abs(value - want) <= epilogueError(want);
    assert(same, `${where} is ${value}, not ${want}`);
    // Scaled codes of weights are below 32, offsets below 1: three roundings a group of at most 33 · Σ|x|.
    const size = full.x.scales.reduce((most, scale) => Math.max(most, scale), 0) * 127 * full.nIn *
      33;
    const rounding = (full.nIn / 16 + 5) * 2 ** -24;
    const bound = full.wide.bound(at, rounding, 4 * 2 ** -24 * size * full.scale) +
      epilogueError(value);
    const error = Math.abs(value - full.wide.y[at]!);
    assert(error <= bound, `${where} is off by ${error}, more than ${bound}`);
  });
}
