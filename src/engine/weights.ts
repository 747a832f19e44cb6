/**
 * Weights from the file into device memory, packed for the matrix kernels: matrices that share inputs
 * and packing become one, and q and k rows come out in half-split order. The file is mapped, each
 * tensor's pages are dropped once packed, so the file never lies in memory twice.
 */

import { KerfError } from "../core/error.ts";
import { PACK_ROWS, packedBytes, PACKINGS } from "../core/packing.ts";
import type { Packing, PackingName } from "../core/packing.ts";
import type { StorageName } from "../core/storage.ts";
import type { BufferSlice, Device, DeviceBuffer } from "../device/types.ts";
import type { GgufTensor } from "../model/gguf.ts";
import type { Draft } from "./draft.ts";

/** A tensor to pack: [nOut, nIn]. */
export interface MatrixPart {
  readonly tensor: GgufTensor;
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

/** Which packed order a storage type goes to. */
export type PackingOf = (storage: StorageName) => PackingName;

const rowsOf = ({ tensor }: MatrixPart) => tensor.shape[0]!;

/**
 * Groups parts that take the same inputs into as few matrices as possible, keeping their order: a part
 * joins the one before it when the packing is the same and no group of 16 rows would be torn.
 */
export function groupParts(parts: readonly MatrixPart[], packingOf: PackingOf): PackedMatrix[] {
  const groups: PackedMatrix[] = [];
  let firstOut = 0;
  for (const part of parts) {
    const packing = packingOf(part.tensor.storage.name);
    const last = groups.at(-1);
    if (last && last.packing === packing && last.nOut % PACK_ROWS === 0) {
      groups[groups.length - 1] = {
        ...last,
        parts: [...last.parts, part],
        nOut: last.nOut + rowsOf(part),
      };
    } else {
      const nOut = rowsOf(part);
      groups.push({ packing, parts: [part], nOut, nIn: part.tensor.shape[1]!, firstOut });
    }
    firstOut += rowsOf(part);
  }
  return groups;
}

/** Bytes of a packed matrix. */
export function matrixBytes({ packing, nOut, nIn }: PackedMatrix): number {
  const order: Packing = PACKINGS[packing];
  return packedBytes(order, nOut, nIn);
}

/** The kernel that packs a storage type. */
export const packKernel = (storage: StorageName): string => `pack__${storage.toLowerCase()}`;

/** The invocations that pack a matrix into `weight`. */
export function packDrafts(
  matrix: PackedMatrix,
  { file, weight }: { file: DeviceBuffer; weight: BufferSlice },
): Draft[] {
  let row = 0;
  return matrix.parts.map((part) => {
    const { tensor, headDim } = part;
    const draft: Draft = {
      kernel: packKernel(tensor.storage.name),
      label: `pack ${tensor.name}`,
      buffers: { src: { buffer: file, offset: tensor.offset }, dst: weight },
      constants: {
        n_out: rowsOf(part),
        n_in: matrix.nIn,
        head_dim: headDim,
        dst_group: row / PACK_ROWS,
      },
      barrier: false,
    };
    row += rowsOf(part);
    return draft;
  });
}

/**
 * A norm's weights where they lie in the file: f32 [width].
 *
 * @throws {KerfError} they are stored in another type
 */
export function normSlice(tensor: GgufTensor, file: DeviceBuffer): BufferSlice {
  if (tensor.storage.name === "F32") return { buffer: file, offset: tensor.offset };
  throw new KerfError(
    `Cannot use "${tensor.name}" as weights of a norm: it is stored as ${tensor.storage.name}`,
    { hint: "convert the model with norms in F32, as llama.cpp's converter writes them" },
  );
}

/** Gives back the memory of the file's pages that hold a matrix's tensors. */
export function dropFilePages(device: Device, file: DeviceBuffer, matrix: PackedMatrix): void {
  for (const { tensor } of matrix.parts) device.discard(file, tensor.offset, tensor.bytes);
}
