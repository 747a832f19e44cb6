/** Packed matrices of random weights, the same on every run, and their sizes, for tests of products. */

import { PACK_ROWS, PACKINGS } from "../src/core/mod.ts";
import type { PackingName } from "../src/core/mod.ts";
import type { Matmul } from "../src/dsl/mod.ts";
import { packCodes, packValues } from "../src/reference/mod.ts";
import { randomFrom } from "./_kernel.ts";

/** A matrix [nOut, nIn]. */
export interface WeightShape {
  readonly nOut: number;
  readonly nIn: number;
  /** Rows after which they are the same again, a multiple of 16; none: all differ. */
  readonly period?: number;
}

/** Packed rows of a product's weights: of two products those of both, each in whole groups. */
export const packedRows = ({ products }: Matmul, nOut: number): number =>
  products.length === 0 ? nOut : 2 * Math.ceil(nOut / PACK_ROWS) * PACK_ROWS;

/**
 * What an epilogue adds to its value's error: a handful of roundings and, where eˣ overflows in f32, what a
 * quotient by it has in f64.
 */
export const epilogueError = (value: number): number => 2 ** -20 * Math.abs(value) + 2 ** -88;

/** Its bytes in a packed order. */
export function packedWeights(
  name: PackingName,
  { nOut, nIn, period = nOut }: WeightShape,
  seed: number,
): Uint8Array<ArrayBuffer> {
  const some = random(name, { nOut: period, nIn }, seed);
  return repeated(some, Math.ceil(nOut / PACK_ROWS) / Math.ceil(period / PACK_ROWS));
}

function random(name: PackingName, shape: { nOut: number; nIn: number }, seed: number) {
  const { codes, group, scaleType } = PACKINGS[name];
  const random = randomFrom(seed);
  const n = shape.nOut * shape.nIn;
  const fill = (count: number, make: () => number) => Float32Array.from({ length: count }, make);
  if (scaleType === null) {
    // Few significant bits: f16 and bf16 hold them.
    return packValues(name, { ...shape, values: fill(n, () => Math.round(64 * random()) / 16) });
  }
  const top = codes === "u4" ? 16 : 256;
  const round = scaleType === "f16" ? Math.f16round : Math.fround;
  return packCodes(name, {
    ...shape,
    codes: fill(n, () => Math.floor((random() + 1) / 2 * top)),
    scales: fill(n / group, () => round(random() / 8)),
    offsets: fill(n / group, () => round(random())),
  });
}

/** Bytes `times` times over, the last time in part where it is no whole number. */
function repeated(bytes: Uint8Array<ArrayBuffer>, times: number): Uint8Array<ArrayBuffer> {
  if (times === 1) return bytes;
  const all = new Uint8Array(bytes.length * times);
  for (let at = 0; at < all.length; at += bytes.length) {
    all.set(bytes.subarray(0, all.length - at), at);
  }
  return all;
}
