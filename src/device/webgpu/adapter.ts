/**
 * The machine's WebGPU adapter, and a GPU device with all that the adapter allows: kernels bind more
 * storage buffers than the specification's minimum of 8, and weights are larger than its 128 MiB.
 */

import { KerfError } from "../../core/error.ts";

/** Limits that kernels and buffers run into: asked for at the adapter's own values. */
const LIMITS = [
  "maxStorageBuffersPerShaderStage",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * On Linux only Vulkan is asked: OpenGL's library, which would be tried as well, now and then corrupts
 * memory when the process ends (libEGL's finalizer against a thread that ends, seen with libglvnd 1.6).
 */
function chooseBackend(): void {
  const name = "DENO_WEBGPU_BACKEND";
  if (Deno.build.os === "linux" && !Deno.env.has(name)) Deno.env.set(name, "vulkan");
}

/** The adapter, a hardware one first; null when this machine has none. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  chooseBackend();
  return await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }) ?? null;
}

/**
 * A GPU device with the adapter's own limits.
 *
 * @throws {KerfError} when there is no adapter
 */
export async function openGpu(): Promise<GPUDevice> {
  const adapter = await findAdapter();
  if (adapter === null) {
    throw new KerfError('Cannot open the device "webgpu": no graphics driver offers an adapter', {
      hint: "a driver in software: sudo apt-get install mesa-vulkan-drivers",
    });
  }
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  return await adapter.requestDevice({ requiredLimits });
}
