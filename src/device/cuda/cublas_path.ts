/** Where cuBLAS is, if it is there and wanted: without it, generated kernels do all products. */

import { findLibrary, libraryFiles } from "./library_path.ts";

/** Of the versions whose functions are called, the newest first. */
const NAMES = ["libcublas.so.13", "libcublas.so.12"];

/** Where toolkits lie. */
const FOLDERS = [
  "/usr/local/cuda/lib64",
  "/usr/local/cuda-13/lib64",
  "/usr/local/cuda-12/lib64",
  "/opt/cuda/lib64",
];

/** What `KERF_LIBCUBLAS` is set to by who wants no cuBLAS. */
export const NO_CUBLAS = "none";

/**
 * The absolute path of cuBLAS: `$KERF_LIBCUBLAS` if it is set, else the first that is found; undefined
 * without one, and for `KERF_LIBCUBLAS=none`.
 */
export function cublasPath(): string | undefined {
  const given = Deno.env.get("KERF_LIBCUBLAS");
  if (given === NO_CUBLAS) return undefined;
  return given || findLibrary(NAMES, FOLDERS);
}

/** Its {@linkcode libraryFiles}; what it needs itself lies beside it and asks for no permission. */
export const cublasFiles = (): string[] => libraryFiles(cublasPath());
