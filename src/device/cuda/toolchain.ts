/**
 * The compiler whose code a driver runs: NVRTC, unless it is newer than the driver and an nvcc that is not
 * is here. A driver too old for both is openContext's to refuse.
 */

import { type CudaToolchain, findNvcc } from "../../build/mod.ts";
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
