/**
 * Products of 8-bit codes as C against the reference, to the bit, and against the product in f64 of what the
 * codes stand for. Every instruction set must give the same bits, and a row's must not depend on the rows
 * beside it, so one large reference serves every smaller shape as its corner.
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { PACKINGS } from "../../src/core/mod.ts";
import { blockSumPlace, blockSumsOf, Q8_INPUTS } from "../../src/core/quantized_row.ts";
import type { PackingName } from "../../src/core/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa, TypedArray } from "../../src/device/testing.ts";
import type { Matmul } from "../../src/dsl/matmul.ts";
import { loadSources } from "../../src/emit/sources.ts";
import type { KernelSource } from "../../src/emit/types.ts";
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
} from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { bothHooks } from "../_hooks.ts";
import { activations, randomFrom, runNamed } from "../_kernel.ts";
import { epilogueError, packedRows } from "../_weights.ts";

const { sources } = await loadSources(projectRoot());
const products = sources.filter((s) => s.definition.kind === "matmul");

interface Shape {
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
function problem({ definition, funcs }: KernelSource, packing: PackingName, shape: Shape) {
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

type Problem = ReturnType<typeof problem>;

/** The first rows and outputs of a problem as the kernel computes them; rows lie apart in memory. */
async function runCorner(
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
function assertCorner(
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

/**
 * A kernel that stores codes gives those of the values that its twin stores; before a norm it stores these
 * too, the codes are those of the norm's gain, and sums stand beside them.
 */
async function assertCodes(
  source: KernelSource,
  packing: PackingName,
  { isa, ...shape }: Shape & { readonly isa: Isa },
): Promise<void> {
  const { nRows, nIn, nOut } = shape;
  const full = problem(source, packing, shape);
  const { after, before } = full.matmul;
  const values = await runCorner(full, shape, { isa });
  const gain = activations(nOut, randomFrom(nOut));
  const [, f32] = bothHooks(source);
  const run = (path: string, ...args: number[]) => f32[path]!(...args)[0] as number;
  const coded = before ? values.map((y, i) => run("before.gain", y, gain[i % nOut]!)) : values;
  const codes = quantizedBytes(quantizeRows(coded));
  const blockBytes = codes.length * Q8_INPUTS / values.length;
  // A block lies before each row and one behind it.
  const [rowBytes, yStride] = [codes.length / nRows, nOut + 2 * Q8_INPUTS];
  const apart = <T extends Uint8Array | Float32Array>(
    to: T,
    from: T,
    length: number,
    gap: number,
  ) => {
    for (let r = 0; r < nRows; r++) {
      to.set(from.subarray(r * length, (r + 1) * length), r * (length + 2 * gap) + gap);
    }
    return to;
  };
  const untouched = new Uint8Array(nRows * (rowBytes + 2 * blockBytes)).fill(0xee);
  const unset = new Float32Array(nRows * yStride).fill(-7);
  const wantCodes = apart(untouched.slice(), codes, rowBytes, blockBytes);
  const inputs = Object.entries(full.inputs);
  const sums = new Float32Array(blockSumsOf(nRows, yStride)).fill(-7);
  const want: Record<string, TypedArray> = { y: wantCodes };
  const fresh: Record<string, TypedArray> = { y: untouched };
  if (before) {
    Object.assign(fresh, { y: unset.slice(), y_codes: untouched, y_sums: sums.slice() });
    const ofRows = blockSums(values.map((y) => run("before.summed", y)), nOut);
    for (let row = 0; row < nRows; row++) {
      for (let block = 0; block < nOut / Q8_INPUTS; block++) {
        sums[blockSumPlace(row, block + 1, yStride)] = ofRows[blockSumPlace(row, block, nOut)]!;
      }
    }
    const y = apart(unset, values, nOut, Q8_INPUTS);
    Object.assign(want, { y, y_codes: wantCodes, y_sums: sums });
  }
  const written = await runNamed(full.name.replace("_q8", "_q8_q8"), {
    isa,
    buffers: {
      ...{ x: quantizedBytes(full.x), weight: full.packed, ...Object.fromEntries(inputs) },
      ...(after ? { x_sums: full.xSums } : {}),
      ...(before
        ? { gain: Float32Array.from({ length: yStride }, (_, i) => gain[i - Q8_INPUTS] ?? NaN) }
        : {}),
      ...fresh,
    },
    constants: {
      ...{ rows_field: 0, n_in: nIn, n_out: nOut },
      ...{ x_stride: nIn, y_stride: yStride, y_offset: Q8_INPUTS },
      ...Object.fromEntries(
        inputs.flatMap(([name]) => [[`${name}_stride`, nOut], [`${name}_offset`, 0]]),
      ),
      ...(after ? { eps: full.eps } : {}),
    },
    step: { nRows },
  });
  assertEquals<unknown>(written, want, `${full.name} ${isa}, ${nRows} rows, ${nOut} of ${nIn}`);
}

/** Around a tile of each width, a group of packed rows, a panel of 576 inputs and an item of 256 rows. */
const SHAPES: readonly { nIn: number; nRows: readonly number[]; nOut: readonly number[] }[] = [
  { nIn: 32, nRows: [1, 2, 4, 5, 7, 12, 13, 31, 257], nOut: [1, 16, 31, 48] },
  { nIn: 96, nRows: [1, 3, 33, 127], nOut: [33] },
  { nIn: 576, nRows: [1, 13], nOut: [31] },
  { nIn: 1536, nRows: [1, 3], nOut: [33] },
];
const EDGES = [{ nIn: 96, nRows: [1, 13, 31], nOut: [1, 31, 33] }];

async function assertShapes(
  source: KernelSource,
  packing: PackingName,
  options: { readonly shapes: typeof SHAPES; readonly isa?: Isa },
): Promise<void> {
  const { shapes, isa } = options;
  for (const { nIn, nRows, nOut } of shapes) {
    const full = problem(source, packing, {
      nIn,
      nRows: Math.max(...nRows),
      nOut: Math.max(...nOut),
    });
    for (const rows of nRows) {
      for (const outputs of nOut) {
        const corner = { nRows: rows, nOut: outputs };
        const y = await runCorner(full, corner, isa === undefined ? {} : { isa });
        assertCorner(y, full, { ...corner, about: `${full.name} ${isa ?? ""}` });
      }
    }
  }
}

const packings = Object.values(PACKINGS).filter(({ scaleType }) => scaleType !== null);
const [best, ...others] = await testIsas({ dots: true });

for (const source of products) {
  const { name } = source.definition;
  for (const { name: packing, scaleType } of packings) {
    // Types of scales differ in how they are loaded, which f32's kernels show.
    const shapes = name === "matmul" && scaleType === "f16" || packing === "q8_f32_g16"
      ? SHAPES
      : EDGES;
    Deno.test(`${name}_q8 ${packing}: the reference's bits`, () =>
      assertShapes(source, packing, { shapes, isa: best! }));
  }
}

for (const source of products.filter((s) => (s.definition as Matmul).stores.includes("q8"))) {
  const { name } = source.definition;
  for (const { name: packing } of packings) {
    // What is stored knows nothing of the packed order.
    const all = packing === "q4_f16_g32";
    Deno.test(`${name}_q8_q8 ${packing}: the codes that ${name}_q8's values are`, async () => {
      for (const isa of all ? [best!, ...others] : [best!]) {
        for (const nRows of [1, 13]) {
          await assertCodes(source, packing, { nRows, nIn: 96, nOut: 96, isa });
        }
        if (isa === best) {
          await assertCodes(source, packing, { nRows: 257, nIn: 32, nOut: 32, isa });
        }
      }
    });
  }
}

const plain = products.find(({ definition }) => definition.name === "matmul")!;
for (const isa of others) {
  for (const packing of ["q4_f16_g32", "q8_f32_g16"] as const) {
    Deno.test(`matmul_q8 ${packing}: the same bits on ${isa}`, () =>
      assertShapes(plain, packing, { shapes: EDGES, isa }));
  }
}

Deno.test("matmul_q8: any number of threads gives the same bits", async () => {
  const shape = { nRows: 258, nIn: 96, nOut: 100 };
  const full = problem(plain, "q4_f16_g32", shape);
  for (const threads of [1, 2, 3]) {
    const y = await runCorner(full, shape, { threads });
    assertCorner(y, full, { ...shape, about: `${threads} threads` });
  }
});
