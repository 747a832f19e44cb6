/**
 * Products of 8-bit codes that store codes too, and those in front of a norm: the codes, values and sums that their
 * twins' values give, to the bit, with nothing written beside them.
 */

import { assertEquals } from "@std/assert";
import { PACKINGS } from "../../src/core/mod.ts";
import { blockSumPlace, blockSumsOf, Q8_INPUTS } from "../../src/core/quantized_row.ts";
import type { PackingName } from "../../src/core/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa, TypedArray } from "../../src/device/testing.ts";
import type { Matmul } from "../../src/dsl/matmul.ts";
import { loadSources } from "../../src/emit/sources.ts";
import type { KernelSource } from "../../src/emit/types.ts";
import { blockSums, quantizedBytes, quantizeRows } from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { bothHooks } from "../_hooks.ts";
import { activations, randomFrom, runNamed } from "../_kernel.ts";
import { problem, runCorner } from "../_q8_product.ts";
import type { Shape } from "../_q8_product.ts";

const { sources } = await loadSources(projectRoot());
const products = sources.filter((s) => s.definition.kind === "matmul");

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

const packings = Object.values(PACKINGS).filter(({ scaleType }) => scaleType !== null);
const [best, ...others] = await testIsas({ dots: true });

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
