/** What tests on the machine's WebGPU adapter share: one device, never closed, and whether there is one. */

import { isRequired } from "../../sys/required_testing.ts";
import type { Device } from "../types.ts";
import { findAdapter } from "./adapter.ts";
import { openWebgpuDevice } from "./device.ts";

let shared: Promise<Device> | undefined;

/** The device of all tests. @throws {KerfError} when there is no adapter */
export function testWebgpu(): Promise<Device> {
  shared ??= openWebgpuDevice();
  return shared;
}

/**
 * Whether tests on the adapter may be left out, and why: only where there is none and KERF_REQUIRE does
 * not name webgpu. With the reason it is printed once.
 */
export async function ignoreWithoutAdapter(): Promise<boolean> {
  if (await findAdapter() !== null) return false;
  if (isRequired("webgpu")) return false;
  console.error("ignored: no WebGPU adapter (Debian: apt-get install mesa-vulkan-drivers)");
  return true;
}
