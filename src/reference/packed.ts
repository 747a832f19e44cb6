/**
 * Weights in and out of the packed orders of src/core/packing.ts, one element at a time. Kernels that
 * read packed weights are tested on what this makes; the engine packs with generated kernels instead.
 */

import { PACK_ROWS, packedBytes, packedGroupBytes, PACKINGS } from "../core/packing.ts";
import type { Packing, PackingName } from "../core/packing.ts";
import { DTYPE_BYTES } from "../core/dtype.ts";
import { fma32 } from "./fma32.ts";

/** A matrix as codes that share scales, row-major. */
export interface CodedMatrix {
  readonly nOut: number;
  readonly nIn: number;
  /** u8 [nOut, nIn]; below 16 for u4. */
  readonly codes: ArrayLike<number>;
  /** [nOut, nIn / group] */
  readonly scales: ArrayLike<number>;
  /** [nOut, nIn / group] */
  readonly offsets: ArrayLike<number>;
}

/** A matrix of values, row-major. */
export interface ValueMatrix {
  readonly nOut: number;
  readonly nIn: number;
  /** [nOut, nIn]; values that the packing's type holds exactly. */
  readonly values: ArrayLike<number>;
}

type Scalar = "f32" | "f16" | "bf16";

/** Packs values; rows of padding are zero. @throws {TypeError} a packing of codes */
export function packValues(name: PackingName, matrix: ValueMatrix): Uint8Array<ArrayBuffer> {
  const packing = PACKINGS[name];
  if (packing.scaleType !== null) {
    throw new TypeError(`Cannot pack values as "${name}": it has codes`);
  }
  const type = packing.codes as Scalar;
  const { nOut, nIn } = matrix;
  const bytes = new Uint8Array(packedBytes(packing, nOut, nIn));
  const view = new DataView(bytes.buffer);
  for (let row = 0; row < nOut; row++) {
    for (let k = 0; k < nIn; k++) {
      const element = groupStart(packing, row, nIn) / DTYPE_BYTES[type] + k * PACK_ROWS;
      put(
        view,
        type,
        (element + row % PACK_ROWS) * DTYPE_BYTES[type],
        matrix.values[row * nIn + k]!,
      );
    }
  }
  return bytes;
}

/** Packs codes; rows of padding are zero. @throws {TypeError} a packing of values */
export function packCodes(name: PackingName, matrix: CodedMatrix): Uint8Array<ArrayBuffer> {
  const packing = PACKINGS[name];
  if (packing.scaleType === null) {
    throw new TypeError(`Cannot pack codes as "${name}": it has none`);
  }
  const { nOut, nIn } = matrix;
  const bytes = new Uint8Array(packedBytes(packing, nOut, nIn));
  const view = new DataView(bytes.buffer);
  for (let row = 0; row < nOut; row++) {
    for (let k = 0; k < nIn; k++) {
      const at = place(packing, row, k, nIn);
      const group = (row * nIn + k - k % packing.group) / packing.group;
      put(view, packing.scaleType, at.scale, matrix.scales[group]!);
      put(view, packing.scaleType, at.offset, matrix.offsets[group]!);
      bytes[at.code]! |= matrix.codes[row * nIn + k]! << at.shift;
    }
  }
  return bytes;
}

/** The values of a packed matrix, f32 [nOut, nIn], each rounded once. */
export function unpackWeights(
  name: PackingName,
  bytes: Uint8Array<ArrayBuffer>,
  { nOut, nIn }: { readonly nOut: number; readonly nIn: number },
): Float32Array<ArrayBuffer> {
  const packing = PACKINGS[name];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = packing.codes as Scalar;
  return Float32Array.from({ length: nOut * nIn }, (_, i) => {
    const row = Math.floor(i / nIn);
    const k = i % nIn;
    if (packing.scaleType === null) {
      const element = k * PACK_ROWS + row % PACK_ROWS;
      return get(view, type, groupStart(packing, row, nIn) + element * DTYPE_BYTES[type]);
    }
    const at = place(packing, row, k, nIn);
    const code = (bytes[at.code]! >> at.shift) & (packing.codes === "u4" ? 15 : 255);
    const scale = get(view, packing.scaleType, at.scale);
    return fma32(scale, code, get(view, packing.scaleType, at.offset));
  });
}

const groupStart = (packing: Packing, row: number, nIn: number) =>
  Math.floor(row / PACK_ROWS) * packedGroupBytes(packing, nIn);

/** Byte places of what makes weight (row, k). */
function place(packing: Packing, row: number, k: number, nIn: number) {
  const { group } = packing;
  const scaleBytes = DTYPE_BYTES[packing.scaleType!];
  const lane = row % PACK_ROWS;
  const block = groupStart(packing, row, nIn) +
    Math.floor(k / group) * packedGroupBytes(packing, group);
  const nibbles = packing.codes === "u4";
  const j = k % group;
  const codeRow = nibbles ? j % (group / 2) : j;
  return {
    scale: block + lane * scaleBytes,
    offset: block + (PACK_ROWS + lane) * scaleBytes,
    code: block + 2 * PACK_ROWS * scaleBytes + codeRow * PACK_ROWS + lane,
    shift: nibbles && j >= group / 2 ? 4 : 0,
  };
}

function put(view: DataView, type: Scalar, at: number, value: number): void {
  if (type === "f32") view.setFloat32(at, value, true);
  else if (type === "f16") view.setFloat16(at, value, true);
  else view.setUint16(at, new Uint16Array(Float32Array.of(value).buffer)[1]!, true);
}

function get(view: DataView, type: Scalar, at: number): number {
  if (type === "f32") return view.getFloat32(at, true);
  if (type === "f16") return view.getFloat16(at, true);
  return new Float32Array(Uint16Array.of(0, view.getUint16(at, true)).buffer)[0]!;
}
