/**
 * Products through cuBLAS, on the emulated driver's: who multiplies at which number of rows, results for
 * every kernel and packed order, matrices wider than a strip, and every call that may fail.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError, PACKINGS } from "../src/core/mod.ts";
import type { PackingName } from "../src/core/mod.ts";
import { STEP_FIELDS } from "../src/core/signature.ts";
import type { CudaDevice } from "../src/device/cuda/device.ts";
import type { EmulatedDriver } from "../src/device/cuda/emulator/emulated_driver.ts";
import { openEmulatedCuda } from "../src/device/cuda/emulator/open.ts";
import { CUBLAS_ROWS } from "../src/device/cuda/products.ts";
import { freshDriver, withEmulatedCuda } from "../src/device/cuda/testing.ts";
import type { Matmul } from "../src/dsl/mod.ts";
import { authorRunner, matmulReference, unpackWeights } from "../src/reference/mod.ts";
import { assertClose } from "./_close.ts";
import { render } from "./_cuda.ts";
import { sources } from "./_emitted.ts";
import { activations, randomFrom } from "./_kernel.ts";
import { epilogueError, packedRows, packedWeights } from "./_weights.ts";

const products = sources.flatMap(({ definition }) =>
  definition.kind === "matmul" ? [definition as Matmul] : []
);
const plain = products.find(({ name }) => name === "matmul")!;

/** A product on a device, ready to run for any number of rows up to `maxRows`. */
async function prepare(device: CudaDevice, definition: Matmul, packing: PackingName, shape: {
  readonly maxRows: number;
  readonly nIn: number;
  readonly nOut: number;
  /** Rows of weights after which they are the same again, a multiple of 16. */
  readonly period?: number;
}) {
  const { maxRows, nIn, nOut, period = nOut } = shape;
  const { entry, texts } = await render(`${definition.name}__${packing}`);
  const file = `templates/cuda/${entry.signature.name}.cu`;
  const source = { ...entry.sources.cuda!, file };
  const request = {
    entry: { ...entry, sources: { cuda: source } },
    text: texts.cuda!,
    defines: {},
  };
  const [kernel] = await device.compile([request]);
  const random = randomFrom(nIn + nOut);
  const [xStride, yStride] = [nIn + 4, nOut + 3];
  const x = activations(maxRows * xStride, random);
  const nPacked = packedRows(definition, nOut);
  const repeated = packedRows(definition, period);
  const weight = packedWeights(packing, { nOut: nPacked, nIn, period: repeated }, 5);
  const filled = (label: string, data: ArrayBufferView) => {
    const buffer = device.allocate(data.byteLength, label);
    device.write(buffer, data);
    return { buffer };
  };
  // What is added to is the output's own buffer, as in the engine's plan.
  const before = activations(maxRows * yStride, random);
  const y = filled("y", before);
  const strides = definition.inputs.flatMap((
    of,
  ) => [[`${of}_stride`, yStride], [`${of}_offset`, 1]]);
  const program = device.prepare([{
    ...{ kernel: kernel!, label: "product" },
    buffers: {
      ...{ x: filled("x", x), weight: filled("weight", weight), y },
      ...Object.fromEntries(definition.inputs.map((of) => [of, y])),
    },
    constants: {
      ...{ rows_field: 2, n_in: nIn, n_out: nOut, x_stride: xStride },
      ...{ y_stride: yStride, y_offset: 1, ...Object.fromEntries(strides) },
    },
  }]);
  /** Runs it for so many rows; f32 [maxRows, yStride]. */
  const run = async (nRows: number) => {
    device.write(y.buffer, before);
    const step = Uint32Array.from(STEP_FIELDS, (field) => field === "nLogits" ? nRows : 0);
    const bytes = await device.run(program, step, { ...y, offset: 0, bytes: y.buffer.bytes });
    return new Float32Array(bytes.buffer as ArrayBuffer);
  };
  return { run, x, weight, before, xStride, yStride };
}

/** Names of the kernels and products of a run, in order. */
const workOf = (driver: EmulatedDriver) =>
  driver.calls().flatMap(({ name, given }) => {
    if (name === "cuLaunchKernel") return [/name=(\S+)/.exec(given)![1]!];
    return name === "cublasSgemm_v2" || name === "cuGraphLaunch" ? [name] : [];
  });

Deno.test("cuBLAS multiplies from 64 rows on, by plain launches; fewer rows are a graph", () =>
  withEmulatedCuda(
    async (device, driver) => {
      assertEquals(device.name, "cuda (emulated GPU, sm_80, cuBLAS 13.0)");
      assertEquals(device.products, "cuBLAS 13.0");
      assertEquals(CUBLAS_ROWS, 64);
      const shape = { maxRows: 65, nIn: 64, nOut: 40 };
      const { run } = await prepare(device, plain, "q4_f16_g32", shape);
      const name = "matmul__q4_f16_g32";
      const library = [`${name}_unpack`, "cublasSgemm_v2", `${name}_finish`];
      for (const nRows of [63, 64, 64, 65, 63]) await run(nRows);
      assertEquals(workOf(driver), [name, ...library, ...library, ...library, "cuGraphLaunch"]);
      const given = driver.calls().filter((call) => call.name === "cublasSgemm_v2")
        .map((call) => call.given);
      const sizes = (nRows: number) => `m=40 n=${nRows} k=64 lda=64 ldb=68 ldc=40`;
      assertEquals(given, [sizes(64), sizes(64), sizes(65)]);
    },
    undefined,
    { cublas: true },
  ));

Deno.test("without cuBLAS generated kernels do all products, and the device says so", () =>
  withEmulatedCuda(async (device, driver) => {
    assertEquals(device.products, "generated kernels");
    const { run } = await prepare(device, plain, "f16", { maxRows: 65, nIn: 64, nOut: 40 });
    await run(65);
    assertEquals(workOf(driver), ["matmul__f16"]);
    assertEquals(driver.calls().filter(({ name }) => name.startsWith("cublas")), []);
  }));

for (const definition of products) {
  for (const packing of Object.keys(PACKINGS) as PackingName[]) {
    Deno.test(`${definition.name} ${packing} through cuBLAS agrees with the reference`, () =>
      withEmulatedCuda(
        async (device) => {
          const [maxRows, nRows, nIn, nOut] = [72, 70, 96, 75];
          const made = await prepare(device, definition, packing, { maxRows, nIn, nOut });
          const { x, weight, before, xStride, yStride } = made;
          const got = await made.run(nRows);
          const cut = (all: Float32Array, row: number, stride: number, from: number, n: number) =>
            all.slice(row * stride + from, row * stride + from + n);
          const rows = Array.from({ length: nRows }, (_, r) => r);
          const own = Float32Array.from(rows.flatMap((r) => [...cut(x, r, xStride, 0, nIn)]));
          const added = Float32Array.from(
            rows.flatMap((r) => [...cut(before, r, yStride, 1, nOut)]),
          );
          const reference = matmulReference({
            ...{ nRows, nIn, nOut, x: own, products: definition.products },
            inputs: Object.fromEntries(definition.inputs.map((of) => [of, added])),
            weight: unpackWeights(packing, weight, { nOut: packedRows(definition, nOut), nIn }),
            epilogue: authorRunner(definition, "epilogue"),
          });
          // As much as any order of nIn products and sums can be off, and the epilogue.
          const rounding = (nIn + 3) * 2 ** -24;
          const want = Float64Array.from(before);
          const bound = new Float64Array(want.length);
          const isSum = definition.products.length === 0;
          reference.y.forEach((value, i) => {
            const at = Math.floor(i / nOut) * yStride + 1 + i % nOut;
            want[at] = value;
            const own = rounding * (Math.abs(value) + Math.abs(added[i]!));
            bound[at] = reference.bound(i, rounding) + (isSum ? own : epilogueError(value));
          });
          assertClose(got, want, { bound: (i) => bound[i]!, label: packing });
        },
        undefined,
        { cublas: true },
      ));
  }
}

Deno.test("a matrix wider than a strip is multiplied strip by strip", () =>
  withEmulatedCuda(
    async (device, driver) => {
      // 64 MiB of weights and sums: 174752 outputs of 32 inputs for 64 rows.
      const [nRows, nIn, nOut, period] = [64, 32, 174752 + 40, 112];
      const shape = { maxRows: nRows, nIn, nOut, period };
      const { run, x, weight, xStride, yStride } = await prepare(
        device,
        plain,
        "q4_f16_g32",
        shape,
      );
      const got = await run(nRows);
      const given = driver.calls().filter(({ name }) => name === "cublasSgemm_v2")
        .map((call) => /^m=\d+ n=\d+/.exec(call.given)![0]);
      assertEquals(given, ["m=174752 n=64", "m=40 n=64"]);
      const weights = unpackWeights("q4_f16_g32", weight, { nOut: period, nIn });
      for (const row of [0, 31, 63]) {
        const reference = matmulReference({
          ...{ nRows: 1, nIn, nOut: period, weight: weights },
          x: x.subarray(row * xStride, row * xStride + nIn),
          epilogue: authorRunner(plain, "epilogue"),
        });
        const outputs = got.subarray(row * yStride + 1, row * yStride + 1 + nOut);
        const want = Float64Array.from(outputs, (_, i) => reference.y[i % period]!);
        const bound = (i: number) => reference.bound(i % period, (nIn + 2) * 2 ** -24);
        assertClose(outputs, want, { bound, label: `row ${row}` });
      }
    },
    undefined,
    { cublas: true, checked: false },
  ));

/** A short life of a device with a product of many rows. */
async function life(): Promise<void> {
  const device = await openEmulatedCuda({ cublas: true });
  try {
    const { run } = await prepare(device, plain, "f32", { maxRows: 64, nIn: 16, nOut: 16 });
    await run(64);
  } finally {
    device.close();
  }
}

const [ALLOC_FAILED, EXECUTION_FAILED, LAUNCH_FAILED] = [3, 13, 719];
const POLLED = "cuStreamQuery";

Deno.test("whichever call fails, the error names it and nothing is left on the GPU", async () => {
  const driver = await freshDriver();
  await life();
  const names = driver.calls().map(({ name }) => name);
  const functions = [...new Set(names)];
  assertEquals(functions.filter((name) => name.startsWith("cublas")).length, 7);
  for (const name of functions) {
    const isCublas = name.startsWith("cublas");
    // How often a stream is asked whether it is idle depends on the machine: the first time is sure.
    const sure = name === POLLED ? 1 : names.filter((other) => other === name).length;
    for (let n = 1; n <= sure; n++) {
      driver.reset();
      driver.fail(name, n, isCublas ? EXECUTION_FAILED : LAUNCH_FAILED);
      const error = await assertRejects(life, KerfError);
      assertEquals(driver.leaks(), [], `call ${n} of ${name}`);
      const shown = name.replace(/_v2$/, "");
      assert(error.message.includes(`${shown}: `) || error.message.includes(name), error.message);
      if (!isCublas) continue;
      const message = `Cannot multiply with cuBLAS: ${shown}: CUBLAS_STATUS_EXECUTION_FAILED`;
      assertEquals(error.message, message);
      assert(error.hints.at(-1)!.startsWith("KERF_LIBCUBLAS=none"), error.hints.join());
    }
  }
  driver.reset();
});

Deno.test("no memory for cuBLAS: what was asked for, and which flags to lower", async () => {
  const driver = await freshDriver();
  driver.fail("cublasCreate_v2", 1, ALLOC_FAILED);
  const created = await assertRejects(life, KerfError, "cublasCreate: CUBLAS_STATUS_ALLOC_FAILED");
  assert(created.hints.some((hint: string) => hint.includes("-ub ")), created.hints.join());
  assertEquals(driver.leaks(), []);
  for (const [bytes, label] of [[32, "strips of matrix products"], [80, "cuBLAS"]] as const) {
    driver.reset();
    driver.set("memory", bytes << 20);
    const start = `Cannot allocate buffer "${label}": cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY`;
    await assertRejects(life, KerfError, start);
    assertEquals(driver.leaks(), []);
  }
  driver.reset();
});
