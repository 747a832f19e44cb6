/**
 * Products that leave only the largest of each sixteen outputs, on any target: what their twins that store all
 * outputs make of the same operands says which. Ties, zeros and what is no number are among these.
 */

import { assertEquals } from "@std/assert";
import { PACK_ROWS, PACKINGS } from "../src/core/mod.ts";
import type { PackingName } from "../src/core/mod.ts";
import type { TypedArray } from "../src/device/run_kernel.ts";
import {
  argMaxReference,
  blockSums,
  largestOfGroups,
  packValues,
  quantizedBytes,
  quantizeRows,
} from "../src/reference/mod.ts";
import { activations, randomFrom } from "./_kernel.ts";
import type { RunKernel } from "./_kernel.ts";
import { packedWeights } from "./_weights.ts";

/** One product. */
export interface LargestCase {
  readonly packing: PackingName;
  /** Whether rows of x are 8-bit codes. */
  readonly q8: boolean;
  readonly nRows: number;
  readonly nIn: number;
  readonly nOut: number;
}

/** Packed weights whose rows are the same again after sixteen, so that groups tie; some are no numbers. */
function weights({ packing, nIn, nOut }: LargestCase): Uint8Array<ArrayBuffer> {
  if (packing !== "f32") return packedWeights(packing, { nOut, nIn, period: PACK_ROWS }, nIn);
  const random = randomFrom(nOut);
  // Some outputs of a group are no numbers, now and then all of them.
  const isNumber = Array.from({ length: nOut }, (_, row) => row >> 4 !== 2 && random() < 0.3);
  const values = Float32Array.from(
    { length: nOut * nIn },
    (_, i) => isNumber[Math.floor(i / nIn)] ? Math.round(4 * random()) : NaN,
  );
  return packValues(packing, { nOut, nIn, values });
}

/** Rows of x: in turn any, zeros, which make every output 0, and ones of no numbers where x is values. */
function rowsOf({ q8, nRows, nIn }: LargestCase): Float32Array<ArrayBuffer> {
  const x = activations(nRows * nIn, randomFrom(nRows + nIn));
  for (let r = 1; r < nRows; r += 3) x.fill(0, r * nIn, (r + 1) * nIn);
  if (!q8) { for (let r = 2; r < nRows; r += 3) x.fill(NaN, r * nIn, (r + 1) * nIn); }
  return x;
}

/**
 * Runs both products, holds the one to the other, and lets arg_max find each row's largest of what is left.
 *
 * @param run runs a kernel by its name on the target at hand
 */
export async function assertLargest(run: RunKernel, given: LargestCase): Promise<void> {
  const { packing, q8, nRows, nIn, nOut } = given;
  const name = q8 ? "matmul_q8" : "matmul";
  const values = rowsOf(given);
  const operands: Record<string, TypedArray> = {
    x: q8 ? quantizedBytes(quantizeRows(values)) : values,
    weight: weights(given),
    ...(q8 ? { x_sums: blockSums(values.map((x) => x * x), nIn) } : {}),
  };
  const shared = {
    ...{ rows_field: 2, n_in: nIn, n_out: nOut, x_stride: nIn },
    ...(q8 ? { eps: 1e-5 } : {}),
  };
  const product = (kernel: string, outputs: Record<string, TypedArray>, own: Constants) =>
    run(`${kernel}__${packing}`, {
      buffers: { ...operands, ...outputs },
      constants: { ...shared, ...own },
      ...{ defines: {}, step: { nLogits: nRows } },
    });
  const { y } = await product(name, { y: new Float32Array(nRows * nOut) }, {
    ...{ y_stride: nOut, y_offset: 0 },
  });

  // Two groups lie before a row's and one behind them.
  const nGroups = Math.ceil(nOut / PACK_ROWS);
  const [before, stride] = [2, nGroups + 3];
  const fresh = {
    largest: new Float32Array(nRows * stride).fill(-7),
    places: new Uint32Array(nRows * stride).fill(99),
  };
  const want = { largest: fresh.largest.slice(), places: fresh.places.slice() };
  const rows = Array.from({ length: nRows }, (_, r) => y!.slice(r * nOut, (r + 1) * nOut));
  const left = rows.map((row) => largestOfGroups(row as Float32Array, PACK_ROWS));
  left.forEach(({ largest, places }, r) => {
    want.largest.set(largest, r * stride + before);
    want.places.set(places.map((place) => place + before * PACK_ROWS), r * stride + before);
  });
  const { largest, places } = await product(`${name}_largest`, fresh, {
    ...{ groups_stride: stride, y_offset: before * PACK_ROWS },
  });
  const about = `${name}_largest ${packing}, ${nRows} rows, ${nOut} of ${nIn}`;
  assertEquals<unknown>({ largest, places }, want, about);

  const { picks } = await run("arg_max", {
    buffers: {
      largest: Float32Array.from(left.flatMap((row) => row.largest)),
      places: Uint32Array.from(left.flatMap((row) => row.places)),
      picks: new Uint32Array(nRows + 1).fill(99),
    },
    ...{ constants: { n_groups: nGroups }, defines: {}, step: { nLogits: nRows } },
  });
  const likeliest = rows.map((row) => argMaxReference(row as Float32Array));
  assertEquals([...picks!], [...likeliest, 99], about);
}

type Constants = Readonly<Record<string, number>>;

/** Every packed order of either arithmetic. */
export const LARGEST_KERNELS: readonly Pick<LargestCase, "packing" | "q8">[] =
  (Object.keys(PACKINGS) as PackingName[]).flatMap((packing) =>
    PACKINGS[packing].scaleType === null
      ? [{ packing, q8: false }]
      : [{ packing, q8: false }, { packing, q8: true }]
  );

/** Around a group, two and an item, and the rows of one. */
export const LARGEST_SHAPES = [
  { nRows: 1, nIn: 32, nOut: 1 },
  { nRows: 1, nIn: 96, nOut: 31 },
  { nRows: 9, nIn: 64, nOut: 33 },
  { nRows: 3, nIn: 32, nOut: 127 },
] as const;
