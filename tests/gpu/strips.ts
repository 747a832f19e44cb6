/**
 * The entry points around a library's matrix product, on targets that have them: strips of the packed weight
 * are unpacked to the value, sums become outputs by the author's epilogue, and nothing beside them is
 * touched.
 */

import { assertEquals } from "@std/assert";
import { PACK_ROWS, packedRow, PACKINGS } from "../../src/core/mod.ts";
import type { PackingName } from "../../src/core/mod.ts";
import type { Matmul } from "../../src/dsl/mod.ts";
import { authorRunner, unpackWeights } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import { activations, randomFrom } from "../_kernel.ts";
import { gpu, gpuTest, runStrip } from "../_gpu.ts";
import type { StripOfRun } from "../_gpu.ts";
import { epilogueError, packedRows } from "../_weights.ts";
import { problem, products } from "./matmul.ts";
import type { Shape } from "./matmul.ts";

/** A product's outputs strip by strip: every strip unpacked, then finished from sums of its own. */
export async function assertStrips(
  definition: Matmul,
  name: PackingName,
  { shape, width }: { readonly shape: Shape; readonly width: number },
): Promise<void> {
  const { nRows, nIn, nOut } = shape;
  const { x, weight, inputs } = problem(definition, name, shape);
  const { products } = definition;
  const nProducts = products.length === 0 ? 1 : 2;
  const [yStride, yOffset] = [nOut + 5, 2];
  const strides = definition.inputs.flatMap((of) => [[`${of}_stride`, nOut], [`${of}_offset`, 0]]);
  const constants = {
    ...{ rows_field: 2, n_in: nIn, n_out: nOut, x_stride: nIn },
    ...{ y_stride: yStride, y_offset: yOffset, ...Object.fromEntries(strides) },
  };
  const run = async (y: Float32Array<ArrayBuffer>, strip: StripOfRun) => {
    const buffers = { x, weight, y, ...inputs };
    const options = { buffers, constants, step: { nLogits: nRows }, strip };
    return await runStrip(`${definition.name}__${name}`, options);
  };
  const values = unpackWeights(name, weight, { nOut: packedRows(definition, nOut), nIn });
  const random = randomFrom(nOut);
  const want = new Float64Array(nRows * yStride).fill(-7);
  const scale = new Float64Array(want.length);
  let y = new Float32Array(want.length).fill(-7);
  for (let first = 0; first < nOut; first += width) {
    const n = Math.min(width, nOut - first);
    const nPacked = nProducts * Math.ceil(n / PACK_ROWS) * PACK_ROWS;
    const nSums = packedRows(definition, n);
    const weights = new Float32Array(nPacked * nIn).fill(NaN);
    const sums = activations(nRows * nSums, random);
    const unpacked = await run(y, { entryPoint: "unpack", weights, sums, first, n });
    assertEquals(unpacked.y, y, "unpack leaves outputs alone");
    const rows = unpacked.weights.subarray(0, nSums * nIn);
    const from = nProducts * first * nIn;
    assertClose(rows, values.subarray(from, from + nSums * nIn), { bound: 0, label: name });

    const finished = await run(y, { entryPoint: "finish", weights, sums, first, n });
    assertEquals(finished.weights, weights, "finish leaves weights alone");
    y = finished.y;
    const epilogue = authorRunner(definition, "epilogue");
    for (let i = 0; i < nRows * n; i++) {
      const [row, column] = [Math.floor(i / n), i % n];
      const at = row * nOut + first + column;
      const own = (_: unknown, product: number) =>
        sums[row * nSums + packedRow(column, product, nProducts)]!;
      const made = Array.from({ length: nProducts }, own);
      const named = Object.fromEntries(products.map((of, p) => [of, made[p]!]));
      const operands = Object.entries(inputs).map(([of, all]) => [of, all[at]!] as const);
      const to = row * yStride + yOffset + first + column;
      const sum = nProducts === 1 ? made[0] : named;
      want[to] = Number(epilogue(sum, Object.fromEntries(operands))[0]);
      scale[to] = [...made, ...operands.map(([, b]) => b)].reduce((a, b) => a + Math.abs(b), 0);
    }
    // The epilogue's own roundings.
    assertClose(y, want, {
      bound: (i) => nProducts === 1 ? 2 ** -22 * scale[i]! : epilogueError(want[i]!),
      label: `${definition.name} ${name}`,
    });
  }
}

if (gpu().runStrip !== undefined) {
  for (const name of Object.keys(PACKINGS) as PackingName[]) {
    for (const definition of products) {
      gpuTest(`${definition.name} ${name} in strips for a library`, async () => {
        await assertStrips(definition, name, { shape: { nRows: 3, nIn: 96, nOut: 75 }, width: 32 });
        await assertStrips(definition, name, { shape: { nRows: 65, nIn: 32, nOut: 1 }, width: 16 });
      });
    }
  }
}
