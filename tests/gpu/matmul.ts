/**
 * Matrix products on a GPU against the f64 reference, for every packed order, and the embedding gather to
 * the value. A row's bits must not depend on the rows beside it.
 */

import { assertEquals } from "@std/assert";
import { packedGroupBytes, PACKINGS } from "../../src/core/mod.ts";
import type { PackingName } from "../../src/core/mod.ts";
import type { Matmul } from "../../src/dsl/mod.ts";
import type { TypedArray } from "../../src/device/run_kernel.ts";
import { authorRunner, matmulReference, unpackWeights } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import { activations, randomFrom } from "../_kernel.ts";
import { epilogueError, packedRows, packedWeights } from "../_weights.ts";
import { gpu, gpuTest, runNamed, sources } from "../_gpu.ts";

/** Sizes of a product. */
export interface Shape {
  readonly nRows: number;
  readonly nIn: number;
  readonly nOut: number;
  /** Rows of weights after which they are the same again, a multiple of 16; none: all differ. */
  readonly period?: number;
}

/** Every matrix product of kernels/ops/. */
export const products = sources.flatMap(({ definition }) =>
  definition.kind === "matmul" ? [definition as Matmul] : []
);

/** One product, f32 [nRows, nOut], with gaps between rows. */
async function multiply(kernel: string, shape: Shape, data: ReturnType<typeof problem>) {
  const { nRows, nIn, nOut } = shape;
  const [xStride, yStride, yOffset] = [nIn + 3, nOut + 5, 2];
  const x = new Float32Array(nRows * xStride).fill(NaN);
  for (let r = 0; r < nRows; r++) x.set(data.x.subarray(r * nIn, (r + 1) * nIn), r * xStride);
  const strides = Object.keys(data.inputs).flatMap((of) => [
    [`${of}_stride`, nOut],
    [`${of}_offset`, 0],
  ]);
  const { y } = await runNamed<Record<string, TypedArray>>(kernel, {
    buffers: {
      ...{ x, weight: data.weight, ...data.inputs },
      y: new Float32Array(nRows * yStride).fill(-7),
    },
    constants: {
      ...{ rows_field: 2, n_in: nIn, n_out: nOut, x_stride: xStride },
      ...{ y_stride: yStride, y_offset: yOffset, ...Object.fromEntries(strides) },
    },
    step: { nLogits: nRows },
  });
  const all = y as Float32Array;
  const outside = all.filter((_, i) => i % yStride < yOffset || i % yStride >= yOffset + nOut);
  assertEquals(outside, new Float32Array(outside.length).fill(-7));
  return all.filter((_, i) => i % yStride >= yOffset && i % yStride < yOffset + nOut);
}

/** Operands of a product over a shape, the same every time. */
export function problem(
  definition: Matmul,
  name: PackingName,
  { nRows, nIn, nOut, period = nOut }: Shape,
) {
  const { inputs } = definition;
  const [rows, repeated] = [packedRows(definition, nOut), packedRows(definition, period)];
  const random = randomFrom(nIn * 31 + nOut);
  return {
    x: activations(nRows * nIn, random),
    inputs: Object.fromEntries(inputs.map((of) => [of, activations(nRows * nOut, random)])),
    weight: packedWeights(name, { nOut: rows, nIn, period: repeated }, nIn + nOut),
  };
}

/** Around a packed group and the eight rows of a work group; inputs that do not divide over slices. */
const SHAPES: readonly Shape[] = [
  { nRows: 1, nIn: 32, nOut: 1 },
  { nRows: 2, nIn: 64, nOut: 31 },
  { nRows: 7, nIn: 576, nOut: 48 },
  { nRows: 9, nIn: 96, nOut: 33 },
  { nRows: 1, nIn: 1536, nOut: 100 },
];

/** A product over one shape; with a period, one without inputs. */
export async function assertProduct(
  definition: Matmul,
  name: PackingName,
  shape: Shape,
): Promise<void> {
  const { nRows, nIn, nOut, period = nOut } = shape;
  const data = problem(definition, name, shape);
  const { products } = definition;
  const { y, bound } = matmulReference({
    ...{ nRows, nIn, nOut: period, x: data.x, products, inputs: data.inputs },
    weight: unpackWeights(name, data.weight, { nOut: packedRows(definition, period), nIn }),
    epilogue: authorRunner(definition, "epilogue"),
  });
  const at = (i: number) => Math.floor(i / nOut) * period + i % nOut % period;
  const got = await multiply(`${definition.name}__${name}`, shape, data);
  // nIn/16 multiply-adds in a chain, four additions and the epilogue's. A coded weight is off by two
  // roundings of scale · code, which is below 32, and one of the offset.
  const chain = (nIn / 16 + 6) * 2 ** -24;
  const coded = PACKINGS[name].scaleType === null ? 0 : 66 * 2 ** -24;
  const sizes = Array.from(
    { length: nRows },
    (_, r) =>
      data.x.subarray(r * nIn, (r + 1) * nIn).reduce((sum, value) => sum + Math.abs(value), 0),
  );
  assertClose(got, Float64Array.from(got, (_, i) => y[at(i)]!), {
    bound: (i) => {
      const own = products.length === 0 ? chain * Math.abs(y[at(i)]!) : epilogueError(y[at(i)]!);
      return bound(at(i), chain, coded * sizes[Math.floor(i / nOut)]!) + own;
    },
    label: `${definition.name} ${name} ${JSON.stringify(shape)}`,
  });
}

/** Rows of a table by token; then the table cut in two, before row `cut`. */
export async function assertEmbedding(
  name: PackingName,
  { nOut, nIn, cut, tokens, period = nOut }: {
    readonly nOut: number;
    readonly nIn: number;
    readonly cut: number;
    readonly tokens: Uint32Array<ArrayBuffer>;
    /** As of a product's weights. */
    readonly period?: number;
  },
): Promise<void> {
  const weight = packedWeights(name, { nOut, nIn, period }, 9);
  const values = unpackWeights(name, weight, { nOut: period, nIn });
  const stride = nIn + 9;
  const run = async (y: Float32Array<ArrayBuffer>, first: number, end: number) => {
    const groupBytes = packedGroupBytes(PACKINGS[name], nIn);
    const part = weight.slice(first / 16 * groupBytes, Math.ceil(end / 16) * groupBytes);
    const written = await runNamed(`embedding__${name}`, {
      buffers: { tokens, weight: part, y },
      constants: { width: nIn, y_stride: stride, first_row: first, n_rows: end - first },
      step: { nRows: tokens.length },
    });
    return written.y;
  };
  const untouched = new Float32Array(tokens.length * stride).fill(-7);
  const y = await run(untouched, 0, nOut);
  // A table cut in parts: each fills the rows of its tokens and leaves the others alone.
  const upper = await run(untouched, cut, nOut);
  assertEquals(await run(upper, 0, cut), y);
  tokens.forEach((token, r) => {
    const from = token < cut ? untouched : y;
    assertEquals(
      upper.slice(r * stride, (r + 1) * stride),
      from.slice(r * stride, (r + 1) * stride),
    );
  });
  tokens.forEach((token, r) => {
    const want = values.subarray(token % period * nIn).subarray(0, nIn);
    // fma may round twice in WGSL: scale · code is at most 32, half a unit of that in all.
    const bound = gpu().exact || PACKINGS[name].scaleType === null ? 0 : 32 * 2 ** -23;
    assertClose(y.subarray(r * stride, r * stride + nIn), want, { bound, label: `row ${r}` });
    assertEquals(y.slice(r * stride + nIn, (r + 1) * stride), new Float32Array(9).fill(-7));
  });
}

for (const name of Object.keys(PACKINGS) as PackingName[]) {
  for (const definition of products) {
    gpuTest(`${definition.name} ${name} agrees with the reference`, async () => {
      for (const shape of SHAPES) await assertProduct(definition, name, shape);
    });
  }

  gpuTest(`embedding ${name} gives the packed values`, async () => {
    await assertEmbedding(name, {
      ...{ nOut: 40, nIn: 256, cut: 16, tokens: Uint32Array.of(0, 39, 15, 16, 15, 31) },
    });
  });
}

gpuTest("among two or more rows, a row's bits do not depend on the others", async () => {
  const shape = { nRows: 11, nIn: 96, nOut: 33 };
  const plain = products.find(({ name }) => name === "matmul")!;
  const data = problem(plain, "q4_f16_g32", shape);
  const all = await multiply("matmul__q4_f16_g32", shape, data);
  for (const nRows of [1, 2, 8, 9]) {
    const some = await multiply("matmul__q4_f16_g32", { ...shape, nRows }, data);
    assertEquals(some, all.slice(0, some.length), `${nRows} rows`);
  }
});
