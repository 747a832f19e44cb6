/**
 * Which compiler makes cubins here: NVRTC from the cache, else nvcc. The emulator's compiler is never found:
 * who wants it asks for it.
 */

import { KerfError } from "../core/error.ts";
import type { Compiler } from "../sys/compiler.ts";
import { findNvcc } from "./nvcc.ts";
import type { Nvcc } from "./nvcc.ts";
import { hasNvrtc, NVRTC_VERSION, openNvrtc } from "./nvrtc.ts";
import type { Nvrtc } from "./nvrtc.ts";

/** A compiler for CUDA. */
export type CudaToolchain =
  | { readonly kind: "nvrtc"; readonly version: string; readonly nvrtc: Nvrtc }
  | { readonly kind: "nvcc"; readonly version: string; readonly nvcc: Nvcc }
  | {
    readonly kind: "emulator";
    /** Of CUDA: what the emulated driver runs. */
    readonly version: string;
    /** Of C++. */
    readonly compiler: Compiler;
    /** Whether every memory access of a kernel is checked: tens of times slower. */
    readonly checked: boolean;
  };

/** The compiler of this machine, or undefined: see {@linkcode requireCudaToolchain}. */
export async function findCudaToolchain(cacheDir: string): Promise<CudaToolchain | undefined> {
  if (await hasNvrtc(cacheDir)) {
    return { kind: "nvrtc", version: NVRTC_VERSION, nvrtc: openNvrtc(cacheDir) };
  }
  const nvcc = await findNvcc();
  return nvcc && { kind: "nvcc", version: nvcc.version, nvcc };
}

/**
 * The compiler of this machine.
 *
 * @throws {KerfError} when there is none
 */
export async function requireCudaToolchain(cacheDir: string): Promise<CudaToolchain> {
  const found = await findCudaToolchain(cacheDir);
  if (found !== undefined) return found;
  throw new KerfError("Cannot compile kernels for CUDA: neither NVRTC nor nvcc was found", {
    hint: "deno task setup cuda",
  });
}
