/** NVIDIA's driver library on this machine: whether it is there, and how many GPUs it sees. */

import { KerfError } from "../../core/error.ts";
import { openLibrary } from "../../sys/library.ts";

/** What the driver library says of itself. */
export interface CudaDriver {
  /** The newest CUDA version that it runs: `13.0`. */
  readonly version: string;
  readonly nDevices: number;
}

const SYMBOLS = {
  cuInit: { parameters: ["u32"], result: "i32" },
  cuDriverGetVersion: { parameters: ["buffer"], result: "i32" },
  cuDeviceGetCount: { parameters: ["buffer"], result: "i32" },
} as const;

/** The driver, or undefined when the library is not installed. */
export function findCudaDriver(): CudaDriver | undefined {
  const driver = open();
  if (driver === undefined) return undefined;
  const [version, count] = [new Int32Array(1), new Int32Array(1)];
  driver.cuDriverGetVersion(version);
  // Without a GPU cuInit fails, and there is nothing to count.
  const nDevices = driver.cuInit(0) === 0 && driver.cuDeviceGetCount(count) === 0 ? count[0]! : 0;
  const [major, minor] = [Math.floor(version[0]! / 1000), version[0]! % 1000 / 10];
  return { version: `${major}.${minor}`, nDevices };
}

function open() {
  try {
    return openLibrary("libcuda.so.1", SYMBOLS);
  } catch (error) {
    if (error instanceof KerfError) return undefined;
    throw error;
  }
}
