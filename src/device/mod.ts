/** Devices: one interface, opened by kind. */

import { KerfError } from "../core/error.ts";
import { type CpuDeviceOptions, openCpuDevice } from "./cpu/device.ts";
import type { Device } from "./types.ts";

export { openCpuDevice } from "./cpu/device.ts";
export type { CpuDeviceOptions } from "./cpu/device.ts";
export type { Isa } from "./cpu/isa.ts";
export type * from "./types.ts";

/** What `--device` takes. */
export type DeviceKind = "auto" | "cpu" | "webgpu" | "cuda";

/** Which device to open; the rest is the CPU's. */
export interface OpenDeviceOptions extends CpuDeviceOptions {
  readonly kind?: DeviceKind;
}

/**
 * Opens a device. `auto` is the CPU.
 *
 * @throws {KerfError} when the device does not exist here
 */
export async function openDevice(
  { kind = "auto", ...options }: OpenDeviceOptions,
): Promise<Device> {
  if (kind === "webgpu") return await (await import("./webgpu/device.ts")).openWebgpuDevice();
  if (kind === "cuda") {
    throw new KerfError(`Cannot open the device "${kind}": this version has none`, {
      hint: "--device cpu",
    });
  }
  return await openCpuDevice(options);
}
