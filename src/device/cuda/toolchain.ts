/**
 * What suits a driver of what is installed. The compiler: NVRTC, unless it is newer than the driver and an
 * nvcc that is not is here; a driver too old for both is openContext's to refuse. cuBLAS: the newest that is
 * no newer than the driver.
 */

import { basename } from "@std/path";
import { type CudaToolchain, findNvcc } from "../../build/mod.ts";
import { givenCublas, installedCublas, NO_CUBLAS } from "./cublas_path.ts";
import { driverVersion } from "./driver.ts";

/** The major version in `13.0`, `V13.0.88`: machine code runs on drivers of its own and newer ones. */
export const majorOf = (version: string): number => Number(/\d+/.exec(version)?.[0] ?? 0);

/**
 * The compiler that was found, or nvcc in its place.
 *
 * @param driver the driver library's absolute path
 * @throws {KerfError} the library does not load
 */
export async function suitedToolchain(
  found: CudaToolchain,
  driver: string,
): Promise<CudaToolchain> {
  if (found.kind !== "nvrtc") return found;
  const newest = majorOf(driverVersion(driver));
  if (majorOf(found.version) <= newest) return found;
  const nvcc = await findNvcc();
  const suits = nvcc !== undefined && majorOf(nvcc.version) <= newest;
  return suits ? { kind: "nvcc", version: nvcc.version, nvcc } : found;
}

/**
 * The absolute path of cuBLAS: `$KERF_LIBCUBLAS` if it is set, else the newest installed one that the driver
 * runs; undefined without one, and for `KERF_LIBCUBLAS=none`.
 *
 * @param driver the driver library's absolute path
 * @throws {KerfError} the driver does not load
 */
export function suitedCublas(driver: string): string | undefined {
  const given = givenCublas();
  if (given !== undefined) return given === NO_CUBLAS ? undefined : given;
  const installed = installedCublas();
  if (installed.length === 0) return undefined;
  const newest = majorOf(driverVersion(driver));
  return installed.find((path) => majorOf(basename(path)) <= newest);
}
