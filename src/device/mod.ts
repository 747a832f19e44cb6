/** Devices: one interface, opened by kind. */

import { chooseDevice } from "./choose.ts";
import { type CpuDeviceOptions, openCpuDevice } from "./cpu/device.ts";
import type { Device } from "./types.ts";

export { ACTIVATIONS } from "./activations.ts";
export type { Activations } from "./activations.ts";
export { chooseDevice } from "./choose.ts";
export type { DeviceChoice } from "./choose.ts";
export { openCpuDevice } from "./cpu/device.ts";
export type { CpuDeviceOptions } from "./cpu/device.ts";
export type { Isa } from "./cpu/isa.ts";
export { OutOfMemory } from "./out_of_memory.ts";
export type * from "./types.ts";

/*
 * GPUs' files are a quarter of all that a run would read. A place that is no literal keeps them out of the
 * graph until one is opened.
 */
const at = (file: string) => new URL(file, import.meta.url).href;
const webgpuModule = (): Promise<typeof import("./webgpu/device.ts")> =>
  import(at("./webgpu/device.ts"));
const cudaModule = (): Promise<typeof import("./cuda/open.ts")> => import(at("./cuda/open.ts"));

/** What `--device` takes. */
export type DeviceKind = "auto" | "cpu" | "webgpu" | "cuda";

/** Which device to open; the rest is the CPU's. */
export interface OpenDeviceOptions extends CpuDeviceOptions {
  readonly kind?: DeviceKind;
}

/**
 * Opens a device: the CPU unless asked otherwise. `auto` is the first of cuda, webgpu on hardware and cpu that
 * can be used; {@linkcode chooseDevice} says why. Any other kind is that kind or an error.
 *
 * @throws {KerfError} when the device cannot be used here, with what to type
 */
export async function openDevice(
  { kind = "cpu", ...options }: OpenDeviceOptions = {},
): Promise<Device> {
  if (kind === "auto") return await openDevice({ ...options, ...await chooseDevice() });
  if (kind === "webgpu") return await (await webgpuModule()).openWebgpuDevice();
  if (kind === "cuda") return await (await cudaModule()).openCuda();
  return await openCpuDevice(options);
}
