/**
 * How weights lie in memory once loaded: the packed orders that matmul and embedding kernels read.
 *
 * A matrix f32 [nOut, nIn] is cut into groups of {@linkcode PACK_ROWS} output rows; inside a group the
 * rows sit next to each other (they are the SIMD lanes), so one activation meets sixteen weights and no
 * horizontal sum is needed. nOut is padded to a multiple of 16 with zero rows.
 *
 *     codes4:  per group, per block of `group` inputs:
 *              scale [16] · offset [16] · codes u8 [group/2][16]   (byte (j, r): low nibble = input j,
 *              high nibble = input j + group/2, of row r)
 *     codes8:  per group, per block of `group` inputs: scale [16] · offset [16] · codes u8 [group][16]
 *     f32, f16, bf16: per group: value [nIn][16]
 *
 * Where an output needs two products, a matrix holds the rows of both: sixteen of the first, sixteen of the
 * second, and so on ({@linkcode packedRow}).
 *
 * A value is `scale · code + offset`, rounded once (fma). Scales and offsets are `scaleType`.
 */

import type { DType } from "./dtype.ts";
import { DTYPE_BYTES } from "./dtype.ts";

/** Output rows of one packed group: the lanes of one vector. */
export const PACK_ROWS = 16;

/** One packed order. */
export interface Packing {
  /** The name that kernels carry: `f32`, `q4_f16_g32`, … */
  readonly name: PackingName;
  readonly codes: "f32" | "f16" | "bf16" | "u4" | "u8";
  /** Inputs that share a scale and an offset; 1 when there are none. */
  readonly group: number;
  readonly scaleType: "f16" | "f32" | null;
}

/** The packed orders in use, by name. */
export type PackingName =
  | "f32"
  | "f16"
  | "bf16"
  | "q4_f16_g32"
  | "q8_f16_g32"
  | "q4_f32_g32"
  | "q8_f32_g32"
  | "q8_f32_g16";

const plain = (name: "f32" | "f16" | "bf16"): Packing =>
  Object.freeze({ name, codes: name, group: 1, scaleType: null });
const coded = (
  name: PackingName,
  codes: "u4" | "u8",
  group: number,
  scaleType: "f16" | "f32",
): Packing => Object.freeze({ name, codes, group, scaleType });

/** Every packed order: f16 scales where the file's are f16, f32 where a product of two is stored. */
export const PACKINGS: Readonly<Record<PackingName, Packing>> = Object.freeze({
  f32: plain("f32"),
  f16: plain("f16"),
  bf16: plain("bf16"),
  q4_f16_g32: coded("q4_f16_g32", "u4", 32, "f16"),
  q8_f16_g32: coded("q8_f16_g32", "u8", 32, "f16"),
  q4_f32_g32: coded("q4_f32_g32", "u4", 32, "f32"),
  q8_f32_g32: coded("q8_f32_g32", "u8", 32, "f32"),
  q8_f32_g16: coded("q8_f32_g16", "u8", 16, "f32"),
});

/** The packed row of an output's product `product`, of one or two products of an output. */
export function packedRow(output: number, product: number, nProducts: 1 | 2): number {
  const lane = output % PACK_ROWS;
  return (output - lane) * nProducts + PACK_ROWS * product + lane;
}

/** Bytes of one group of 16 rows over `nIn` inputs. */
export function packedGroupBytes(packing: Packing, nIn: number): number {
  if (packing.scaleType === null) {
    return nIn * PACK_ROWS * DTYPE_BYTES[packing.codes as DType];
  }
  const scales = 2 * PACK_ROWS * DTYPE_BYTES[packing.scaleType];
  const codes = packing.group * PACK_ROWS / (packing.codes === "u4" ? 2 : 1);
  return (nIn / packing.group) * (scales + codes);
}

/** Bytes of a packed matrix [nOut, nIn], rows padded to a multiple of 16. */
export function packedBytes(packing: Packing, nOut: number, nIn: number): number {
  return Math.ceil(nOut / PACK_ROWS) * packedGroupBytes(packing, nIn);
}
