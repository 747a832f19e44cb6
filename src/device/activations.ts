/** Which arithmetic of matrix products each device has kernels for. */

import type { Device } from "./types.ts";

/** What activations are multiplied as: f32 to the reference, the others faster. */
export type Activations = "f32" | "f16" | "q8";

/** By device, the default first. */
export const ACTIVATIONS: Readonly<Record<Device["kind"], readonly Activations[]>> = Object.freeze({
  cpu: ["f32", "q8"],
  cuda: ["f32"],
  webgpu: ["f32"],
});
