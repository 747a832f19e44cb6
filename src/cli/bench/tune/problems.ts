/**
 * What a product is tuned on: small problems whose results are known to the bit and in f64, and large ones to be
 * timed. Numbers are seeded, and activations have outliers and zeros, as trained models' have.
 */

import { PACK_ROWS, PACKINGS } from "../../../core/packing.ts";
import type { PackingName } from "../../../core/packing.ts";
import { blockSumsOf } from "../../../core/quantized_row.ts";
import type { TypedArray } from "../../../device/run_kernel.ts";
import {
  dequantizeRows,
  matmulExact,
  matmulQ8Exact,
  matmulReference,
  packCodes,
  quantizedBytes,
  quantizeRows,
  unpackWeights,
} from "../../../reference/mod.ts";
import { randomFrom } from "../../../verify/numbers.ts";
import type { ProductKind } from "./stages.ts";

/** The packed order that products are tuned on: the default model's. A panel of any order is the same. */
export const PACKING: PackingName = "q4_f16_g32";

/** One product of rows with a matrix. */
export interface ProductSize {
  readonly nRows: number;
  readonly nIn: number;
  readonly nOut: number;
}

/** What a run of the kernel binds. */
export interface Product extends ProductSize {
  readonly buffers: Readonly<Record<"x" | "weight" | "y", TypedArray>> & { x_sums?: TypedArray };
  readonly constants: Readonly<Record<string, number>>;
}

/** A product whose result is known. */
export interface KnownProduct extends Product {
  /** f32 [nRows, nOut], to the bit. */
  readonly exact: Float32Array;
  /** f64 [nRows, nOut], and how far each may be off. */
  readonly wide: Float64Array;
  readonly bound: (i: number) => number;
}

/** A random matrix of codes whose scales and offsets are above 0, so that no sum of weights cancels. */
function matrix(nOut: number, nIn: number, random: () => number) {
  const { group } = PACKINGS[PACKING];
  const list = (n: number, make: () => number) => Array.from({ length: n }, make);
  return {
    ...{ nOut, nIn, codes: list(nOut * nIn, () => Math.floor(8 * (random() + 1))) },
    scales: list(nOut * nIn / group, () => Math.f16round((random() + 1.125) / 16)),
    offsets: list(nOut * nIn / group, () => Math.f16round((random() + 1.125) / 16)),
  };
}

const activation = (random: () => number): number => {
  const kind = random();
  return kind > 0.9 ? 100 * random() : kind < -0.9 ? 0 : random();
};

function bind(kind: ProductKind, size: ProductSize, x: Float32Array, weight: TypedArray): Product {
  const { nRows, nIn, nOut } = size;
  const strides = { x_stride: nIn, y_stride: nOut, y_offset: 0 };
  const constants = { rows_field: 0, n_in: nIn, n_out: nOut, ...strides };
  const y = new Float32Array(nRows * nOut);
  if (kind === "f32") return { ...size, buffers: { x, weight, y }, constants };
  // Rows that add nothing have the scale 1 / √eps.
  const sums = { x_sums: new Float32Array(blockSumsOf(nRows, nIn)) };
  return {
    ...size,
    buffers: { x: quantizedBytes(quantizeRows(x)), weight, ...sums, y },
    constants: { ...constants, eps: 1 },
  };
}

/** A product to time. Its groups of packed rows are all the same: what they hold changes no time. */
export function largeProduct(kind: ProductKind, size: ProductSize): Product {
  const random = randomFrom(size.nIn + size.nOut);
  const x = Float32Array.from({ length: size.nRows * size.nIn }, () => activation(random));
  const group = packCodes(PACKING, matrix(PACK_ROWS, size.nIn, random));
  const weight = new Uint8Array(Math.ceil(size.nOut / PACK_ROWS) * group.length);
  for (let at = 0; at < weight.length; at += group.length) weight.set(group, at);
  return bind(kind, size, x, weight);
}

/** A product with its result, by the references of the kernels. */
export function knownProduct(kind: ProductKind, size: ProductSize): KnownProduct {
  const { nRows, nIn, nOut } = size;
  const random = randomFrom(nRows + nIn + nOut);
  const values = Float32Array.from({ length: nRows * nIn }, () => activation(random));
  const weight = matrix(nOut, nIn, random);
  const packed = packCodes(PACKING, weight);
  const shape = { ...size, epilogue: (sum: unknown) => [sum as number] };
  if (kind === "f32") {
    const given = { ...shape, x: values, weight: unpackWeights(PACKING, packed, { nOut, nIn }) };
    const { y, bound } = matmulReference(given);
    // A chain of nIn fused additions, each rounded once.
    const relative = (nIn + 2) * 2 ** -24;
    return {
      ...bind(kind, size, values, packed),
      ...{ exact: matmulExact(given), wide: y, bound: (i) => bound(i, relative) },
    };
  }
  const x = quantizeRows(values);
  const { group } = PACKINGS[PACKING];
  const dequantized = Float64Array.from(weight.codes, (code, i) => {
    const at = Math.floor(i / group);
    return code * weight.scales[at]! + weight.offsets[at]!;
  });
  const { y, bound } = matmulReference({ ...shape, x: dequantizeRows(x), weight: dequantized });
  // Sums of a group are exact; two roundings scale them, and one each adds them up.
  const relative = (nIn / group + 4) * 2 ** -24;
  return {
    ...bind(kind, size, values, packed),
    exact: matmulQ8Exact({ ...shape, x, weight }),
    ...{ wide: y, bound: (i) => bound(i, relative) },
  };
}
