/**
 * How a model's matrices become packed ones: matrices that share inputs and packing become one, those
 * larger than a kernel can bind are cut, and q and k rows come out in half-split order.
 */

import { KerfError } from "../core/error.ts";
import { PACK_ROWS, packedBytes, PACKINGS } from "../core/packing.ts";
import type { PackingName } from "../core/packing.ts";
import type { StorageName } from "../core/storage.ts";
import type { BufferSlice, DeviceBuffer, FileRange } from "../device/types.ts";
import type { GgufTensor } from "../model/gguf.ts";
import type { Draft } from "./draft.ts";

/** Rows of a tensor [nOut, nIn] to pack. */
export interface MatrixPart {
  readonly tensor: GgufTensor;
  readonly firstRow: number;
  readonly nRows: number;
  /** Channels of the heads whose rows are interleaved pairs in the file; 0: rows stay as they are. */
  readonly headDim: number;
}

/** One packed matrix: parts below each other. */
export interface PackedMatrix {
  readonly packing: PackingName;
  readonly parts: readonly MatrixPart[];
  readonly nOut: number;
  readonly nIn: number;
  /** Row of the first part among the outputs of all matrices that were made together. */
  readonly firstOut: number;
}

/** Brings a range of a tensor, as it is in the file, into device memory. Ranges hold whole rows. */
export type ReadTensor = (tensor: GgufTensor, range: FileRange) => Promise<DeviceBuffer>;

/** Which packed order a storage type goes to. */
export type PackingOf = (storage: StorageName) => PackingName;

/** All rows of a tensor. */
export const wholeTensor = (tensor: GgufTensor, headDim: number): MatrixPart => ({
  tensor,
  firstRow: 0,
  nRows: tensor.shape[0]!,
  headDim,
});

/** Bytes of some rows of a tensor in the file. */
const fileBytes = ({ bytes, shape }: GgufTensor, nRows: number) => bytes / shape[0]! * nRows;

/** Where a part lies in the model's file. */
export function partRange(path: string, { tensor, firstRow, nRows }: MatrixPart): FileRange {
  const offset = tensor.offset + fileBytes(tensor, firstRow);
  return { path, offset, bytes: fileBytes(tensor, nRows) };
}

/**
 * Groups parts that take the same inputs into as few matrices as possible, keeping their order: a part
 * joins the one before it when the packing is the same, no group of 16 rows would be torn, and the whole
 * can still be bound.
 *
 * @param maxBytes of one matrix, packed or in the file: larger tensors are cut between their heads
 * @throws {KerfError} 16 rows, or one head, are more than that
 */
export function groupParts(
  parts: readonly MatrixPart[],
  packingOf: PackingOf,
  maxBytes = Infinity,
): PackedMatrix[] {
  const groups: PackedMatrix[] = [];
  let firstOut = 0;
  for (const whole of parts) {
    const packing = packingOf(whole.tensor.storage.name);
    const nIn = whole.tensor.shape[1]!;
    for (const part of cutPart(whole, packing, maxBytes)) {
      const last = groups.at(-1);
      const joined = last &&
        { ...last, parts: [...last.parts, part], nOut: last.nOut + part.nRows };
      const fits = joined && last.packing === packing && last.nOut % PACK_ROWS === 0 &&
        matrixBytes(joined) <= maxBytes;
      if (fits) groups[groups.length - 1] = joined;
      else groups.push({ packing, parts: [part], nOut: part.nRows, nIn, firstOut });
      firstOut += part.nRows;
    }
  }
  return groups;
}

/** A part as parts of at most `maxBytes`. */
function cutPart(part: MatrixPart, packing: PackingName, maxBytes: number): MatrixPart[] {
  const { tensor, nRows, headDim } = part;
  const bytesOf = (rows: number) =>
    Math.max(packedBytes(PACKINGS[packing], rows, tensor.shape[1]!), fileBytes(tensor, rows));
  if (bytesOf(nRows) <= maxBytes) return [part];
  const unit = Math.max(PACK_ROWS, headDim);
  const rows = Math.floor(maxBytes / bytesOf(unit)) * unit;
  if (rows === 0) {
    throw new KerfError(
      `Cannot bind ${unit} rows of "${tensor.name}": they have ${bytesOf(unit)} bytes, and the ` +
        `device binds ${maxBytes} at most`,
      { hint: "--device cpu" },
    );
  }
  return Array.from({ length: Math.ceil(nRows / rows) }, (_, i) => ({
    ...part,
    firstRow: i * rows,
    nRows: Math.min(rows, nRows - i * rows),
  }));
}

/** Bytes of a packed matrix. */
export function matrixBytes({ packing, nOut, nIn }: PackedMatrix): number {
  return packedBytes(PACKINGS[packing], nOut, nIn);
}

/** The kernel that packs a storage type. */
export const packKernel = (storage: StorageName): string => `pack__${storage.toLowerCase()}`;

/** The invocations that pack a matrix into `weight`; `sources` are its parts as they are in the file. */
export function packDrafts(
  matrix: PackedMatrix,
  { sources, weight }: { sources: readonly BufferSlice[]; weight: BufferSlice },
): Draft[] {
  let row = 0;
  return matrix.parts.map(({ tensor, nRows, headDim }, i) => {
    const draft: Draft = {
      kernel: packKernel(tensor.storage.name),
      label: `pack ${tensor.name}`,
      buffers: { src: sources[i]!, dst: weight },
      constants: {
        n_out: nRows,
        n_in: matrix.nIn,
        head_dim: headDim,
        dst_group: row / PACK_ROWS,
      },
      barrier: false,
    };
    row += nRows;
    return draft;
  });
}

/**
 * A norm's weights in the model's file: f32 [width].
 *
 * @throws {KerfError} they are stored in another type
 */
export function normRange(path: string, tensor: GgufTensor): FileRange {
  const { offset, bytes } = tensor;
  if (tensor.storage.name === "F32") return { path, offset, bytes };
  throw new KerfError(
    `Cannot use "${tensor.name}" as weights of a norm: it is stored as ${tensor.storage.name}`,
    { hint: "convert the model with norms in F32, as llama.cpp's converter writes them" },
  );
}
