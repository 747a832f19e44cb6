/**
 * A GPU opened through the driver: its primary context, made current on this thread, and one stream that
 * everything runs on in order. Says what is missing and how to get it.
 */

import type { CudaToolchain } from "../../build/mod.ts";
import { KerfError } from "../../core/error.ts";
import { type Cublas, productsName } from "./cublas.ts";
import { driverVersion, openCudaDriver, outHandle, outInt } from "./driver.ts";
import type { CudaCalls, CudaDriver } from "./driver.ts";
import { CudaError } from "./error.ts";
import { type Release, releaseAll } from "./release.ts";
import { allocationProperties } from "./structs.ts";
import { CUDA } from "./symbols.ts";
import { majorOf } from "./toolchain.ts";

/** An open GPU. */
export interface CudaContext {
  readonly driver: CudaDriver;
  /** The driver's handle of the device. */
  readonly device: number;
  readonly stream: bigint;
  /** `NVIDIA H100 80GB HBM3` */
  readonly name: string;
  /** What its machine code is compiled for: `sm_90`. */
  readonly arch: string;
  readonly nMultiprocessors: number;
  /** Bytes of a piece of memory behind reserved addresses. */
  readonly chunkBytes: number;
  /** The newest CUDA version that the driver runs: `13.0`. */
  readonly version: string;
}

/** For people: `cuda (NVIDIA H100 80GB HBM3, sm_90, cuBLAS 13.1)`; without cuBLAS that is left out. */
export function cudaName({ name, arch }: CudaContext, cublas: Cublas | undefined): string {
  const traits = [name, arch, ...(cublas === undefined ? [] : [productsName(cublas)])];
  return `cuda (${traits.join(", ")})`;
}

const OTHER_DEVICES = "--device cpu";
const DRIVERS = "https://www.nvidia.com/drivers";

/**
 * Opens the first GPU that the driver shows (`CUDA_VISIBLE_DEVICES` chooses).
 *
 * @param path the driver library's absolute path
 * @throws {KerfError} a driver that is too old for the compiler's code, no GPU or too old a GPU
 */
export function openContext(
  path: string,
  toolchain: Pick<CudaToolchain, "kind" | "version">,
): CudaContext {
  const version = driverVersion(path);
  checkVersion(version, toolchain);
  const driver = openCudaDriver(path);
  const { call } = driver;
  const device = firstDevice(call);
  const attribute = (id: number) => outInt((to) => call.cuDeviceGetAttribute(to, id, device));
  const name = deviceName(call, device);
  const arch = checkCapability(name, [
    attribute(CUDA.DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
    attribute(CUDA.DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
  ]);
  if (attribute(CUDA.DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED) === 0) {
    throw new KerfError(
      `Cannot run on ${name}: its driver cannot map memory behind reserved addresses`,
      { hint: OTHER_DEVICES },
    );
  }
  const nMultiprocessors = attribute(CUDA.DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  const context = outHandle((to) => call.cuDevicePrimaryCtxRetain(to, device));
  try {
    call.cuCtxSetCurrent(context);
    const chunkBytes = Number(outHandle((to) =>
      call.cuMemGetAllocationGranularity(
        ...[to, allocationProperties(device), CUDA.MEM_ALLOC_GRANULARITY_RECOMMENDED] as const,
      )
    ));
    const stream = outHandle((to) => call.cuStreamCreate(to, CUDA.STREAM_NON_BLOCKING));
    return { driver, device, stream, name, arch, nMultiprocessors, chunkBytes, version };
  } catch (error) {
    call.cuDevicePrimaryCtxRelease_v2(device);
    throw error;
  }
}

/**
 * Closes a GPU once its work is done.
 *
 * @param releases give back what is left on it
 * @param failedBefore whether a call has failed, whose error says more
 * @throws {CudaError} the first failure, unless one came before
 */
export function closeContext(
  context: CudaContext,
  releases: readonly Release[] = [],
  failedBefore = context.driver.hasFailed,
): void {
  const { driver, device, stream } = context;
  try {
    releaseAll([
      () => driver.call.cuStreamSynchronize(stream),
      ...releases,
      () => driver.call.cuStreamDestroy_v2(stream),
      () => driver.call.cuDevicePrimaryCtxRelease_v2(device),
    ]);
  } catch (error) {
    if (!failedBefore) throw error;
  }
}

/** The major version of the oldest drivers that have all of symbols.ts. */
const OLDEST_DRIVER = 12;

/** A cubin runs on drivers of its compiler's major version and newer ones. */
function checkVersion(
  version: string,
  { kind, version: compiler }: Pick<CudaToolchain, "kind" | "version">,
): void {
  const [own, made] = [majorOf(version), majorOf(compiler)];
  const needed = Math.max(made, OLDEST_DRIVER);
  if (own >= needed) return;
  const reason = made < OLDEST_DRIVER
    ? "Kerf calls functions of"
    : `${kind} ${compiler} compiles for`;
  throw new KerfError(
    `Cannot open a GPU: its driver runs CUDA ${version}, and ${reason} CUDA ${needed}.0 and newer`,
    {
      hint: [
        `install a driver for CUDA ${needed}.0 or newer: ${DRIVERS}`,
        ...(own < OLDEST_DRIVER ? [] : [`put an nvcc of CUDA ${own} on the PATH`]),
        OTHER_DEVICES,
      ],
    },
  );
}

function firstDevice(call: CudaCalls): number {
  try {
    call.cuInit(0);
    if (outInt((to) => call.cuDeviceGetCount(to)) > 0) {
      return outInt((to) => call.cuDeviceGet(to, 0));
    }
  } catch (error) {
    if (!(error instanceof CudaError) || error.code !== CUDA.ERROR_NO_DEVICE) throw error;
  }
  throw new KerfError("Cannot open a GPU: NVIDIA's driver is there and sees none", {
    hint: [
      "nvidia-smi   (lists what there is)",
      "unset CUDA_VISIBLE_DEVICES, if it hides the GPU",
      OTHER_DEVICES,
    ],
  });
}

function deviceName(call: CudaCalls, device: number): string {
  const bytes = new Uint8Array(256);
  call.cuDeviceGetName(bytes, bytes.length, device);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** The oldest GPUs that kernels are written for: Ampere. */
const LEAST_MAJOR = 8;

function checkCapability(name: string, [major, minor]: readonly [number, number]): string {
  if (major >= LEAST_MAJOR) return `sm_${major}${minor}`;
  throw new KerfError(
    `Cannot run on ${name}: its compute capability is ${major}.${minor}, and kernels need ` +
      `${LEAST_MAJOR}.0 or newer`,
    { hint: ["--device webgpu", OTHER_DEVICES] },
  );
}
