/**
 * The machine's WebGPU adapter, and a GPU device with all that the adapter allows: kernels bind more
 * storage buffers than the specification's minimum of 8, and weights are larger than its 128 MiB.
 */

import { KerfError } from "../../core/error.ts";
import { cacheDir } from "../../sys/cache_dir.ts";

/** Limits that kernels and buffers run into: asked for at the adapter's own values. */
const LIMITS = [
  "maxStorageBuffersPerShaderStage",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * On Linux only Vulkan is asked: OpenGL's library, which would be tried as well, now and then corrupts
 * memory when the process ends (libEGL's finalizer against a thread that ends, seen with libglvnd 1.6).
 * Nothing is ever shown, but without a folder for a display's socket Mesa prints an error.
 */
function prepareEnvironment(): void {
  if (Deno.build.os !== "linux") return;
  const defaults = { DENO_WEBGPU_BACKEND: "vulkan", XDG_RUNTIME_DIR: cacheDir() };
  for (const [name, value] of Object.entries(defaults)) {
    if (!Deno.env.get(name)) Deno.env.set(name, value);
  }
}

/** The adapter, a hardware one first; null when this machine has none. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  prepareEnvironment();
  return await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }) ?? null;
}

/** Whether an adapter is a program on the CPU, such as Mesa's llvmpipe. */
export const isSoftware = ({ info }: GPUAdapter): boolean => info.isFallbackAdapter;

/** For people: `webgpu (llvmpipe (LLVM 15.0.6, 256 bits), software)`. */
export function adapterName(adapter: GPUAdapter): string {
  const { description, device, vendor } = adapter.info;
  const kind = isSoftware(adapter) ? ", software" : "";
  return `webgpu (${description || device || vendor || "an adapter without a name"}${kind})`;
}

/** @throws {KerfError} when there is no adapter */
export async function requireAdapter(): Promise<GPUAdapter> {
  const adapter = await findAdapter();
  if (adapter !== null) return adapter;
  throw new KerfError('Cannot open the device "webgpu": no graphics driver offers an adapter', {
    hint: ["a driver in software: sudo apt-get install mesa-vulkan-drivers", "--device cpu"],
  });
}

/**
 * A GPU device with the adapter's own limits.
 *
 * @throws {KerfError} when there is no adapter, or it gives no device
 */
export async function openGpu(adapter?: GPUAdapter): Promise<GPUDevice> {
  const chosen = adapter ?? await requireAdapter();
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, chosen.limits[name]]));
  try {
    return await chosen.requestDevice({ requiredLimits });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KerfError(`Cannot open the device "webgpu": ${reason}`, {
      hint: "--device cpu",
      where: adapterName(chosen),
      cause,
    });
  }
}
