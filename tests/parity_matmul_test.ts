/**
 * Matrix products as C against the references: to the bit against the same sum in the same order, and in
 * f64 within the error that order may make. A row's or an output's bits must not depend on how many
 * others there are, so one large reference serves every smaller shape as its corner.
 */

import { assert, assertEquals } from "@std/assert";
import matmulAdd from "../kernels/ops/matmul_add.ts";
import matmul from "../kernels/ops/matmul.ts";
import { PACKINGS } from "../src/core/mod.ts";
import type { PackingName } from "../src/core/mod.ts";
import { runKernel, testDevice, testIsas } from "../src/device/testing.ts";
import type { Isa } from "../src/device/testing.ts";
import { openRenderer } from "../src/emit/renderer.ts";
import {
  authorRunner,
  matmulExact,
  matmulReference,
  packCodes,
  packValues,
  unpackWeights,
} from "../src/reference/mod.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";

const renderer = openRenderer(projectRoot());
const render = async (name: string) => {
  const { entry, texts } = await (await renderer).render(name);
  return { entry, text: texts.c! };
};

/** Uniform in [−1, 1), the same on every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

const fill = (n: number, make: (i: number) => number) =>
  Float32Array.from({ length: n }, (_, i) => make(i));

/** Activations with an outlier in every seventh place or so, as trained models have them, and zeros. */
function activations(n: number, random: () => number): Float32Array<ArrayBuffer> {
  return fill(n, () => {
    const kind = random();
    return kind > 0.7 ? 1000 * random() : kind < -0.9 ? 0 : random();
  });
}

/** A packed matrix of random weights, and what it stands for. */
function weights(name: PackingName, shape: { nOut: number; nIn: number }, random: () => number) {
  const { codes, group, scaleType } = PACKINGS[name];
  const n = shape.nOut * shape.nIn;
  if (scaleType === null) {
    // Two halves' worth of exponents; f16 and bf16 keep the upper bits of such values exactly.
    const values = fill(n, () => Math.round(64 * random()) * 2 ** Math.round(4 * random()));
    return packValues(name, { ...shape, values });
  }
  const top = codes === "u4" ? 16 : 256;
  const round = scaleType === "f16" ? Math.f16round : Math.fround;
  return packCodes(name, {
    ...shape,
    codes: fill(n, () => Math.floor((random() + 1) / 2 * top)),
    scales: fill(n / group, () => round(random() * 2 ** Math.round(6 * random()))),
    offsets: fill(n / group, () => round(100 * random())),
  });
}

interface Shape {
  readonly nRows: number;
  readonly nIn: number;
  readonly nOut: number;
}

/** A problem and both of its references. */
function problem(name: PackingName, shape: Shape) {
  const random = randomFrom(shape.nIn * 31 + shape.nOut);
  const weight = weights(name, shape, random);
  const x = activations(shape.nRows * shape.nIn, random);
  const epilogue = authorRunner(matmul, "epilogue");
  const given = { ...shape, x, weight: unpackWeights(name, weight, shape), epilogue };
  return { ...shape, x, weight, exact: matmulExact(given), reference: matmulReference(given) };
}

/** The first rows and outputs of a problem as the kernel computes them; rows lie apart in memory. */
async function runCorner(
  full: ReturnType<typeof problem>,
  corner: { readonly nRows: number; readonly nOut: number },
  kernel: Awaited<ReturnType<typeof render>>,
  options: { readonly isa?: Isa; readonly threads?: number } = {},
): Promise<Float32Array> {
  const { nRows, nOut } = corner;
  const { nIn } = full;
  const [xStride, yStride, yOffset] = [nIn + 3, nOut + 5, 2];
  // What lies between rows must be neither read (NaN would spread) nor written.
  const x = new Float32Array(nRows * xStride).fill(NaN);
  for (let r = 0; r < nRows; r++) x.set(full.x.subarray(r * nIn, (r + 1) * nIn), r * xStride);
  const groupBytes = full.weight.length / Math.ceil(full.nOut / 16);
  const { y } = await runKernel({
    ...kernel,
    ...options,
    buffers: {
      x,
      weight: full.weight.slice(0, Math.ceil(nOut / 16) * groupBytes),
      y: new Float32Array(nRows * yStride).fill(-7),
    },
    constants: {
      ...{ rows_field: 0, n_in: nIn, n_out: nOut },
      ...{ x_stride: xStride, y_stride: yStride, y_offset: yOffset },
    },
    step: { nRows },
  });
  const between = (i: number) => i % yStride < yOffset || i % yStride >= yOffset + nOut;
  assert(y!.every((value, i) => !between(i) || value === -7), "a value was stored between rows");
  return Float32Array.from(
    { length: nRows * nOut },
    (_, i) => y![Math.floor(i / nOut) * yStride + yOffset + i % nOut]!,
  );
}

/** Holds a corner to both references. */
function assertCorner(
  y: Float32Array,
  full: ReturnType<typeof problem>,
  { nRows, nOut, about }: { nRows: number; nOut: number; about: string },
): void {
  for (let i = 0; i < nRows * nOut; i++) {
    const at = Math.floor(i / nOut) * full.nOut + i % nOut;
    const where = `${about}, ${nRows} rows, ${nOut} of ${full.nIn}: y[${i}]`;
    assert(Object.is(y[i]! + 0, full.exact[at]! + 0), `${where} is ${y[i]}, not ${full.exact[at]}`);
    // n fused multiply-adds in a chain are off by at most n·2⁻²⁴ of Σ|x·w|, and a little for its growth.
    const bound = (full.nIn + 2) * 2 ** -24 * full.reference.magnitude[at]!;
    const error = Math.abs(y[i]! - full.reference.y[at]!);
    assert(error <= bound, `${where} is off by ${error}, more than ${bound}`);
  }
}

/** 12 and 13, 31 and 33: around a tile, a group and two; 257: one more than an item takes. */
const SHAPES: readonly { nIn: number; nRows: readonly number[]; nOut: readonly number[] }[] = [
  { nIn: 32, nRows: [1, 2, 3, 5, 12, 13, 31, 33, 127, 257], nOut: [1, 16, 31, 48, 100] },
  { nIn: 64, nRows: [1, 2, 3, 5, 12, 13, 31, 33, 127], nOut: [1, 16, 31, 48, 100] },
  { nIn: 576, nRows: [1, 2, 13, 33], nOut: [1, 31, 100] },
  { nIn: 1536, nRows: [1, 3, 12], nOut: [16, 48] },
];

async function assertShapes(packing: PackingName, isa?: Isa): Promise<void> {
  const kernel = await render(`matmul__${packing}`);
  for (const { nIn, nRows, nOut } of SHAPES) {
    const full = problem(packing, { nIn, nRows: Math.max(...nRows), nOut: Math.max(...nOut) });
    for (const rows of nRows) {
      for (const outputs of nOut) {
        const corner = { nRows: rows, nOut: outputs };
        const y = await runCorner(full, corner, kernel, isa === undefined ? {} : { isa });
        assertCorner(y, full, { ...corner, about: `${packing} ${isa ?? ""}` });
      }
    }
  }
}

for (const packing of Object.keys(PACKINGS) as PackingName[]) {
  Deno.test(`matmul ${packing}: every shape gives the reference's bits`, () =>
    assertShapes(packing));
}

// Two orders read every kind of element that vectors of each width load: f16, u8 and bf16.
for (const isa of (await testIsas()).slice(1)) {
  for (const packing of ["q4_f16_g32", "bf16"] as const) {
    Deno.test(`matmul ${packing}: the same bits on ${isa}`, () => assertShapes(packing, isa));
  }
}

Deno.test("matmul: any number of threads gives the same bits", async () => {
  const shape = { nRows: 258, nIn: 96, nOut: 100 };
  const full = problem("q4_f16_g32", shape);
  const kernel = await render("matmul__q4_f16_g32");
  for (const threads of [1, 2, 3]) {
    const y = await runCorner(full, shape, kernel, { threads });
    assertCorner(y, full, { ...shape, about: `${threads} threads` });
  }
});

Deno.test("matmul_add: y may be the residual's own memory", async () => {
  const packing = "q8_f32_g16";
  const random = randomFrom(5);
  const { entry, text } = await render(`matmul_add__${packing}`);
  const device = await testDevice();
  const [kernel] = await device.compile([{ entry, text, defines: {} }]);
  for (const nRows of [1, 14]) {
    const shape = { nRows, nIn: 48, nOut: 37 };
    const weight = weights(packing, shape, random);
    const x = activations(nRows * shape.nIn, random);
    const residual = activations(nRows * shape.nOut, random);
    const epilogue = authorRunner(matmulAdd, "epilogue");
    const exact = matmulExact({
      ...shape,
      x,
      weight: unpackWeights(packing, weight, shape),
      epilogue,
      inputs: { residual },
    });
    const buffers = Object.fromEntries(
      Object.entries({ x, weight, y: residual }).map(([name, data]) => {
        const buffer = device.allocate(data.byteLength, name);
        device.write(buffer, data);
        return [name, { buffer }];
      }),
    );
    const [stride, offset] = [shape.nOut, 0];
    const program = device.prepare([{
      kernel: kernel!,
      label: "residual",
      buffers: { ...buffers, residual: buffers.y! },
      constants: {
        ...{ rows_field: 2, n_in: shape.nIn, n_out: shape.nOut, x_stride: shape.nIn },
        ...{ y_stride: stride, y_offset: offset, residual_stride: stride, residual_offset: offset },
      },
    }]);
    await device.run(program, Uint32Array.of(0, 0, nRows, 0, 0, 0));
    const bytes = await device.read(buffers.y!.buffer, 0, residual.byteLength);
    assertEquals(new Float32Array(bytes.buffer), exact);
    for (const { buffer } of Object.values(buffers)) device.free(buffer);
  }
});
