/**
 * The structs of cuda.h that cross to the driver, as bytes. Their layout is held to cuda.h itself by
 * structs_test.ts where a toolkit is installed.
 */

import { CUDA } from "./symbols.ts";

/** Sizes and offsets in bytes, by cuda.h's names; what is not listed stays zero. */
export const LAYOUTS = Object.freeze({
  CUmemAllocationProp: { bytes: 32, type: 0, requestedHandleTypes: 4, location: 8 },
  CUmemLocation: { bytes: 8, type: 0, id: 4 },
  CUmemAccessDesc: { bytes: 12, location: 0, flags: 8 },
  CUDA_KERNEL_NODE_PARAMS_v2: {
    ...{ bytes: 72, func: 0, gridDimX: 8, gridDimY: 12, gridDimZ: 16 },
    ...{ blockDimX: 20, blockDimY: 24, blockDimZ: 28, sharedMemBytes: 32 },
    ...{ kernelParams: 40, extra: 48, kern: 56, ctx: 64 },
  },
});

/** Bytes whose address never changes, since they are no part of JavaScript's heap. */
export const stableBytes = (bytes: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new ArrayBuffer(bytes));

/** CUmemAllocationProp: memory of a device, for its kernels only. */
export function allocationProperties(device: number): Uint8Array<ArrayBuffer> {
  const { CUmemAllocationProp: at, CUmemLocation } = LAYOUTS;
  const bytes = stableBytes(at.bytes);
  const view = new DataView(bytes.buffer);
  view.setInt32(at.type, CUDA.MEM_ALLOCATION_TYPE_PINNED, true);
  view.setInt32(at.location + CUmemLocation.type, CUDA.MEM_LOCATION_TYPE_DEVICE, true);
  view.setInt32(at.location + CUmemLocation.id, device, true);
  return bytes;
}

/** CUmemAccessDesc: a device may read and write. */
export function accessDescription(device: number): Uint8Array<ArrayBuffer> {
  const { CUmemAccessDesc: at, CUmemLocation } = LAYOUTS;
  const bytes = stableBytes(at.bytes);
  const view = new DataView(bytes.buffer);
  view.setInt32(at.location + CUmemLocation.type, CUDA.MEM_LOCATION_TYPE_DEVICE, true);
  view.setInt32(at.location + CUmemLocation.id, device, true);
  view.setInt32(at.flags, CUDA.MEM_ACCESS_FLAGS_PROT_READWRITE, true);
  return bytes;
}

/** A launch along x. */
export interface LaunchShape {
  readonly func: bigint;
  readonly blocks: number;
  readonly threads: number;
  /** Dynamic shared memory of a block. */
  readonly sharedBytes: number;
}

/** CUDA_KERNEL_NODE_PARAMS_v2 of a launch whose arguments are at `extra`. */
export function kernelNodeParams(shape: LaunchShape, extra: bigint): Uint8Array<ArrayBuffer> {
  const at = LAYOUTS.CUDA_KERNEL_NODE_PARAMS_v2;
  const bytes = stableBytes(at.bytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(at.func, shape.func, true);
  const { blocks, threads } = shape;
  [blocks, 1, 1, threads, 1, 1].forEach((n, i) => view.setUint32(at.gridDimX + 4 * i, n, true));
  view.setUint32(at.sharedMemBytes, shape.sharedBytes, true);
  view.setBigUint64(at.extra, extra, true);
  return bytes;
}

/** Words of {@linkcode packedArguments}. */
export const PACKED_ARGUMENTS_WORDS = 5;

/** The `extra` list of a launch: all arguments lie in one buffer of so many bytes. */
export function packedArguments(addresses: { buffer: bigint; size: bigint }): bigint[] {
  return [
    ...[BigInt(CUDA.LAUNCH_PARAM_BUFFER_POINTER), addresses.buffer],
    ...[BigInt(CUDA.LAUNCH_PARAM_BUFFER_SIZE), addresses.size],
    BigInt(CUDA.LAUNCH_PARAM_END),
  ];
}
