/**
 * How a model's matrices become packed ones: matrices that share inputs and packing become one, those whose
 * outputs meet in one epilogue alternate, those larger than a kernel can bind are cut, and q and k rows come
 * out in half-split order.
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

/** One packed matrix: parts below each other, or two that alternate in groups of 16 rows. */
export interface PackedMatrix {
  readonly packing: PackingName;
  readonly parts: readonly MatrixPart[];
  readonly alternates: boolean;
  /** Outputs of a product with it: rows of all parts, or of each of the two that alternate. */
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
    for (const [part] of cutParts([whole], packing, maxBytes)) {
      const { nRows } = part!;
      const last = groups.at(-1);
      const joined = last && { ...last, parts: [...last.parts, part!], nOut: last.nOut + nRows };
      const fits = joined && last.packing === packing && last.nOut % PACK_ROWS === 0 &&
        matrixBytes(joined) <= maxBytes;
      if (fits) groups[groups.length - 1] = joined;
      else groups.push({ packing, parts: [part!], alternates: false, nOut: nRows, nIn, firstOut });
      firstOut += nRows;
    }
  }
  return groups;
}

/**
 * Two matrices of one shape whose products meet output by output, as matrices in which they alternate.
 *
 * @param maxBytes as of {@linkcode groupParts}
 * @throws {KerfError} their packed orders differ, or 32 rows are more than `maxBytes`
 */
export function alternateParts(
  first: MatrixPart,
  second: MatrixPart,
  packingOf: PackingOf,
  maxBytes = Infinity,
): PackedMatrix[] {
  const [packing, other] = [first, second].map(({ tensor }) => packingOf(tensor.storage.name));
  if (packing !== other) {
    const [a, b] = [first.tensor, second.tensor];
    throw new KerfError(
      `Cannot multiply "${a.name}" and "${b.name}" together: they are stored as ` +
        `${a.storage.name} and ${b.storage.name}, which are packed differently`,
      { hint: "requantise the model with one type for both, as llama-quantize does by default" },
    );
  }
  const nIn = first.tensor.shape[1]!;
  return cutParts([first, second], packing!, maxBytes).map((parts) => ({
    ...{ packing: packing!, parts, alternates: true, nIn },
    nOut: parts[0]!.nRows,
    firstOut: parts[0]!.firstRow - first.firstRow,
  }));
}

/** Parts of one shape, which become one matrix, as parts that make matrices of at most `maxBytes`. */
function cutParts(
  parts: readonly MatrixPart[],
  packing: PackingName,
  maxBytes: number,
): MatrixPart[][] {
  const { tensor, nRows, headDim } = parts[0]!;
  const bytesOf = (rows: number) =>
    Math.max(
      parts.length * packedBytes(PACKINGS[packing], rows, tensor.shape[1]!),
      ...parts.map(({ tensor }) => fileBytes(tensor, rows)),
    );
  if (bytesOf(nRows) <= maxBytes) return [[...parts]];
  const unit = Math.max(PACK_ROWS, headDim);
  const rows = Math.floor(maxBytes / bytesOf(unit)) * unit;
  if (rows === 0) {
    throw new KerfError(
      `Cannot bind ${unit} rows of "${tensor.name}": they have ${bytesOf(unit)} bytes, and the ` +
        `device binds ${maxBytes} at most`,
      { hint: "--device cpu" },
    );
  }
  return Array.from({ length: Math.ceil(nRows / rows) }, (_, i) =>
    parts.map((part) => ({
      ...part,
      firstRow: i * rows,
      nRows: Math.min(rows, nRows - i * rows),
    })));
}

/** Bytes of a packed matrix. */
export function matrixBytes({ packing, parts, alternates, nOut, nIn }: PackedMatrix): number {
  return (alternates ? parts.length : 1) * packedBytes(PACKINGS[packing], nOut, nIn);
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
        dst_group: matrix.alternates ? i : row / PACK_ROWS,
        group_step: matrix.alternates ? matrix.parts.length : 1,
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
