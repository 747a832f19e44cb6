/**
 * The CUDA device without a GPU: the same code, on the emulated driver, with kernels compiled for the CPU.
 * For tests and for whoever asks for it by `KERF_CUDA=emulated`; nothing chooses it by itself.
 */

import { join } from "@std/path";
import { cacheDir } from "../../../sys/cache_dir.ts";
import { findCxxCompiler } from "../../../sys/compiler.ts";
import { type CudaDevice, openCudaDevice } from "../device.ts";
import { loadEmulatedDriver } from "./emulated_driver.ts";

/** How to open the emulated GPU. */
export interface EmulatedCudaOptions {
  /** Whether every memory access of a kernel is checked: tens of times slower. Default false. */
  readonly checked?: boolean;
  /** Where compiled kernels go. Default: the project's cache. */
  readonly cacheDir?: string;
  /** Whether the emulated driver's cuBLAS does large products. Default false. */
  readonly cublas?: boolean;
}

/**
 * Opens the CUDA device on the emulator. Its name says so: `cuda (emulated GPU, sm_80)`.
 *
 * @throws {KerfError} without compilers for C and C++
 */
export async function openEmulatedCuda(options: EmulatedCudaOptions = {}): Promise<CudaDevice> {
  const { checked = false, cublas = false } = options;
  const cache = join(options.cacheDir ?? cacheDir(), "emulated");
  const compiler = await findCxxCompiler();
  const { path } = await loadEmulatedDriver(cache);
  const toolchain = { kind: "emulator", version: "13.0", compiler, checked } as const;
  const libraries = { driver: path, cublas: cublas ? path : null };
  return await openCudaDevice({ ...libraries, toolchain, cacheDir: cache });
}
