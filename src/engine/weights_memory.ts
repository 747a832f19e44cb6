/**
 * Where a model's packed matrices lie: one after the other, in the cache's file as in memory, so that a start reads
 * the file as it is. They share one buffer, which huge pages can hold, where kernels bind buffers of any size;
 * elsewhere each has its own. Knows places, not what is in them.
 */

import type { BufferSlice, Device } from "../device/types.ts";
import { matrixBytes } from "./weights.ts";
import type { PackedMatrix } from "./weights.ts";

/** A matrix begins at a multiple of this: no device binds at others. */
const ALIGNMENT = 256;

/** One matrix's place, in bytes. */
export interface MatrixPlace {
  readonly offset: number;
  readonly bytes: number;
}

/** The places of matrices in the order given, and the end of the last. */
export function matrixPlaces(
  matrices: readonly PackedMatrix[],
): { readonly places: readonly MatrixPlace[]; readonly bytes: number } {
  let end = 0;
  const places = matrices.map((matrix) => {
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    const bytes = matrixBytes(matrix);
    end = offset + bytes;
    return { offset, bytes };
  });
  return { places, bytes: end };
}

/** Memory for every matrix, in the order given. */
export function allocateMatrices(
  device: Device,
  matrices: readonly PackedMatrix[],
): BufferSlice[] {
  const { places, bytes } = matrixPlaces(matrices);
  if (device.maxBindingBytes === Infinity) {
    const buffer = device.allocate(bytes, "weights");
    return places.map(({ offset }) => ({ buffer, offset }));
  }
  return matrices.map(({ parts }, i) => {
    const label = parts.map(({ tensor }) => tensor.name).join(" + ");
    return { buffer: device.allocate(places[i]!.bytes, label) };
  });
}
