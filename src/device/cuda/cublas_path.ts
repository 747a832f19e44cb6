/**
 * Where cuBLAS is, if it is there and wanted: without it, generated kernels do all products. Which version
 * a driver runs is toolchain.ts's to say: it asks the driver.
 */

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

/** `$KERF_LIBCUBLAS`; undefined where it is not set. */
export const givenCublas = (): string | undefined => Deno.env.get("KERF_LIBCUBLAS") || undefined;

/** The absolute paths of what is installed, the newest version first; whether it is wanted or not. */
export const installedCublas = (): string[] =>
  NAMES.flatMap((name) => findLibrary([name], FOLDERS) ?? []);

/**
 * The {@linkcode libraryFiles} of all that may be loaded; what it needs itself lies beside it and asks for
 * no permission.
 */
export function cublasFiles(): string[] {
  const given = givenCublas();
  if (given === NO_CUBLAS) return [];
  return (given === undefined ? installedCublas() : [given]).flatMap(libraryFiles);
}
