/**
 * The emulated GPU for tests: one library a process, so tests that look at its calls run one after the
 * other and begin with a reset.
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cacheDir } from "../../sys/cache_dir.ts";
import type { CudaDevice } from "./device.ts";
import { type EmulatedDriver, loadEmulatedDriver } from "./emulator/emulated_driver.ts";
import { type EmulatedCudaOptions, openEmulatedCuda } from "./emulator/open.ts";

/** The emulated driver of this process, as new. */
export async function freshDriver(): Promise<EmulatedDriver> {
  const driver = await loadEmulatedDriver(join(cacheDir(), "emulated"));
  driver.reset();
  return driver;
}

/**
 * Runs a test on a new emulated GPU, every memory access checked; afterwards nothing may be left on it.
 *
 * @param prepare tells the GPU what to be before the device is opened
 */
export async function withEmulatedCuda(
  test: (device: CudaDevice, driver: EmulatedDriver) => Promise<void> | void,
  prepare: (driver: EmulatedDriver) => void = () => {},
  options: EmulatedCudaOptions = {},
): Promise<void> {
  const driver = await freshDriver();
  prepare(driver);
  const device = await openEmulatedCuda({ checked: true, ...options });
  try {
    await test(device, driver);
  } finally {
    device.close();
  }
  assertEquals(driver.leaks(), [], "left on the GPU");
}
