/** Where NVIDIA's driver library is. */

import { KerfError } from "../../core/error.ts";
import { findLibrary, libraryFiles } from "./library_path.ts";

/** The library's name in every installation. */
const NAME = "libcuda.so.1";

/**
 * The absolute path of libcuda.so.1: `$KERF_LIBCUDA` if it is set, else the first that is found; undefined
 * without one.
 */
export function cudaDriverPath(): string | undefined {
  return Deno.env.get("KERF_LIBCUDA") || findLibrary([NAME]);
}

/**
 * The same, where there has to be one.
 *
 * @throws {KerfError} there is none
 */
export function requireCudaDriverPath(): string {
  const path = cudaDriverPath();
  if (path !== undefined) return path;
  throw new KerfError(`Cannot open a GPU: NVIDIA's driver library ${NAME} was not found`, {
    hint: [
      "install NVIDIA's driver: https://www.nvidia.com/drivers",
      `KERF_LIBCUDA=/path/to/${NAME}, where it is in an unusual place`,
      "--device cpu",
    ],
  });
}

/** The driver's {@linkcode libraryFiles}. */
export const cudaDriverFiles = (): string[] => libraryFiles(cudaDriverPath());
