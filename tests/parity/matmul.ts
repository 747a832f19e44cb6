/**
 * Matrix products as C against the references: to the bit against the same sum in the same order, and in
 * f64 within the error that order may make. A row's or an output's bits must not depend on how many
 * others there are, so one large reference serves every smaller shape as its corner.
 */

import { assert, assertEquals } from "@std/assert";
import { PACKINGS } from "../../src/core/mod.ts";
import type { PackingName } from "../../src/core/mod.ts";
import { testDevice, testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import type { Matmul } from "../../src/dsl/matmul.ts";
import { loadSources } from "../../src/emit/sources.ts";
import type { KernelSource } from "../../src/emit/types.ts";
import {
  authorRunner,
  interpreterRunner,
  matmulExact,
  matmulReference,
  packCodes,
  packValues,
  unpackWeights,
} from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { epilogueError, packedRows } from "../_weights.ts";
import { randomFrom, renderNamed, runNamed } from "../_kernel.ts";

const { sources } = await loadSources(projectRoot());
const products = sources.filter((s) => s.definition.kind === "matmul");

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

/** A problem and its references: in f64 by the author's epilogue, to the bit by the interpreter's. */
function problem({ definition, funcs }: KernelSource, packing: PackingName, shape: Shape) {
  const random = randomFrom(shape.nIn * 31 + shape.nOut);
  const matmul = definition as Matmul;
  const { products } = matmul;
  const packed = { nIn: shape.nIn, nOut: packedRows(matmul, shape.nOut) };
  const weight = weights(packing, packed, random);
  const x = activations(shape.nRows * shape.nIn, random);
  const inputs = Object.fromEntries(
    matmul.inputs.map((
      name,
    ) => [name, activations(shape.nRows * shape.nOut, random)]),
  );
  const given = { ...shape, x, weight: unpackWeights(packing, weight, packed), products, inputs };
  const func = funcs["epilogue"]!;
  return {
    ...shape,
    ...{ name: `${definition.name}__${packing}`, x, weight, products, inputs },
    reference: matmulReference({ ...given, epilogue: authorRunner(definition, "epilogue") }),
    exact: matmulExact({
      ...given,
      epilogue: interpreterRunner(definition, "epilogue", { func, mode: "f32" }),
    }),
  };
}

/** The first rows and outputs of a problem as the kernel computes them; rows lie apart in memory. */
async function runCorner(
  full: ReturnType<typeof problem>,
  corner: { readonly nRows: number; readonly nOut: number },
  options: { readonly isa?: Isa; readonly threads?: number } = {},
): Promise<Float32Array> {
  const { nRows, nOut } = corner;
  const { nIn } = full;
  const [xStride, yStride, yOffset] = [nIn + 3, nOut + 5, 2];
  // What lies between rows must be neither read (NaN would spread) nor written.
  const x = new Float32Array(nRows * xStride).fill(NaN);
  for (let r = 0; r < nRows; r++) x.set(full.x.subarray(r * nIn, (r + 1) * nIn), r * xStride);
  const inputs = Object.entries(full.inputs).map(([name, values]) => {
    const rows = new Float32Array(nRows * yStride).fill(NaN);
    for (let r = 0; r < nRows; r++) {
      rows.set(values.subarray(r * full.nOut, r * full.nOut + nOut), r * yStride + 1);
    }
    return [name, rows] as const;
  });
  const groupBytes = full.weight.length / Math.ceil(full.nOut / 16);
  const { y } = await runNamed(full.name, {
    ...options,
    buffers: {
      x,
      weight: full.weight.slice(0, Math.ceil(nOut / 16) * groupBytes),
      ...Object.fromEntries(inputs),
      y: new Float32Array(nRows * yStride).fill(-7),
    },
    constants: {
      ...{ rows_field: 0, n_in: nIn, n_out: nOut },
      ...{ x_stride: xStride, y_stride: yStride, y_offset: yOffset },
      ...Object.fromEntries(
        inputs.flatMap(([name]) => [[`${name}_stride`, yStride], [`${name}_offset`, 1]]),
      ),
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
    const off = Math.abs(y[i]! - full.exact[at]!);
    // An epilogue of two products is no sum: its functions are not rounded as the interpreter's.
    const same = full.products.length === 0
      ? Object.is(y[i]! + 0, full.exact[at]! + 0)
      : off <= epilogueError(full.exact[at]!);
    assert(same, `${where} is ${y[i]}, not ${full.exact[at]}`);
    // n fused multiply-adds in a chain are off by at most n·2⁻²⁴ of Σ|x·w|, and a little for its growth.
    // The epilogue's operands round once more.
    const operands = Object.values(full.inputs).reduce((a, v) => a + Math.abs(v[at]!), 0);
    const added = full.products.length === 0 ? 2 ** -23 * operands : epilogueError(y[i]!);
    const bound = full.reference.bound(at, (full.nIn + 2) * 2 ** -24) + added;
    const error = Math.abs(y[i]! - full.reference.y[at]!);
    assert(error <= bound, `${where} is off by ${error}, more than ${bound}`);
  }
}

/** 6, 12 and 13, 31 and 33: around a tile, a group and two; 257: one more than an item takes. */
const SHAPES: readonly { nIn: number; nRows: readonly number[]; nOut: readonly number[] }[] = [
  { nIn: 32, nRows: [1, 2, 3, 6, 12, 13, 31, 33, 127, 257], nOut: [1, 16, 31, 48, 100] },
  { nIn: 64, nRows: [1, 2, 3, 5, 12, 13, 31, 33, 127], nOut: [1, 16, 31, 48, 100] },
  { nIn: 576, nRows: [1, 2, 13, 33], nOut: [1, 31, 100] },
  { nIn: 1536, nRows: [1, 3, 12], nOut: [16, 48] },
];

async function assertShapes(
  source: KernelSource,
  packing: PackingName,
  options: { readonly shapes?: typeof SHAPES; readonly isa?: Isa } = {},
): Promise<void> {
  const { shapes = SHAPES, isa } = options;
  for (const { nIn, nRows, nOut } of shapes) {
    const largest = { nIn, nRows: Math.max(...nRows), nOut: Math.max(...nOut) };
    const full = problem(source, packing, largest);
    for (const rows of nRows) {
      for (const outputs of nOut) {
        const corner = { nRows: rows, nOut: outputs };
        const y = await runCorner(full, corner, isa === undefined ? {} : { isa });
        assertCorner(y, full, { ...corner, about: `${full.name} ${isa ?? ""}` });
      }
    }
  }
}

const nOperands = ({ definition }: KernelSource) => {
  const { products, inputs } = definition as Matmul;
  return products.length + inputs.length;
};

const packings = Object.keys(PACKINGS) as PackingName[];
const [plain, ...epilogues] = products.toSorted((a, b) => nOperands(a) - nOperands(b));

for (const packing of packings) {
  Deno.test(`${plain!.definition.name} ${packing}: every shape gives the reference's bits`, () =>
    assertShapes(plain!, packing));
}

// The tiles are the same whatever becomes of a sum; what differs is at their edges.
const EDGES = [{ nIn: 32, nRows: [1, 13, 31], nOut: [1, 16, 31, 33] }];
for (const source of epilogues) {
  for (const packing of packings) {
    Deno.test(`${source.definition.name} ${packing}: the reference's bits`, () =>
      assertShapes(source, packing, { shapes: EDGES }));
  }
}

// Two orders read every kind of element that vectors of each width load: f16, u8 and bf16.
for (const isa of (await testIsas()).slice(1)) {
  for (const packing of ["q4_f16_g32", "bf16"] as const) {
    Deno.test(`matmul ${packing}: the same bits on ${isa}`, () =>
      assertShapes(plain!, packing, { isa }));
  }
}

Deno.test("matmul: any number of threads gives the same bits", async () => {
  const shape = { nRows: 258, nIn: 96, nOut: 100 };
  const full = problem(plain!, "q4_f16_g32", shape);
  for (const threads of [1, 2, 3]) {
    const y = await runCorner(full, shape, { threads });
    assertCorner(y, full, { ...shape, about: `${threads} threads` });
  }
});

Deno.test("matmul_add: y may be the residual's own memory", async () => {
  const packing = "q8_f32_g16";
  const random = randomFrom(5);
  const { entry, texts } = await renderNamed(`matmul_add__${packing}`);
  const device = await testDevice();
  const [kernel] = await device.compile([{ entry, text: texts.c!, defines: {} }]);
  for (const nRows of [1, 14]) {
    const shape = { nRows, nIn: 48, nOut: 37 };
    const weight = weights(packing, shape, random);
    const x = activations(nRows * shape.nIn, random);
    const residual = activations(nRows * shape.nOut, random);
    const { definition } = products.find((s) => s.definition.name === "matmul_add")!;
    const epilogue = authorRunner(definition, "epilogue");
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
