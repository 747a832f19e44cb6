/** Which arithmetic of matrix products each device has kernels for. */

import type { Device } from "./types.ts";

/** What activations are multiplied as: f32 to the reference, the others faster and near it. */
export type Activations = "f32" | "f16" | "q8";

/** By device, the default first. */
export const ACTIVATIONS: Readonly<Record<Device["kind"], readonly Activations[]>> = Object.freeze({
  cpu: ["q8", "f32"],
  cuda: ["f32"],
  webgpu: ["f32"],
});
