/**
 * What devices this machine has: what each is, the limits that decide what it can run, and, where one
 * cannot be used, why and what to type. Looks at everything and keeps nothing open.
 */

import { findCudaToolchain } from "../build/cuda_toolchain.ts";
import { KerfError } from "../core/error.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { findCompiler, findCxxCompiler } from "../sys/compiler.ts";
import { openCpuDevice } from "./cpu/device.ts";
import { closeContext, cudaName, openContext } from "./cuda/context.ts";
import { openCublas, productsName } from "./cuda/cublas.ts";
import { cudaDriverPath } from "./cuda/driver_path.ts";
import { type MemoryInfo, memoryInfo } from "./cuda/driver.ts";
import { openCuda } from "./cuda/open.ts";
import { suitedCublas, suitedToolchain } from "./cuda/toolchain.ts";
import { adapterName, findAdapter, isSoftware } from "./webgpu/adapter.ts";
import type { Device } from "./types.ts";

/** One thing to know of a device. */
export interface DeviceFact {
  /** As JSON has it: `maxBindingBytes`. */
  readonly name: string;
  /** As people read it: `largest binding`. */
  readonly label: string;
  /** A name that ends in `Bytes` makes a number one of bytes. */
  readonly value: string | number | boolean;
}

/** What is known of one kind of device. */
export interface DeviceFinding {
  readonly kind: Device["kind"];
  /** As the device calls itself: `cpu (2 threads, x86-64-v4)`; the kind alone where there is none. */
  readonly name: string;
  /**
   * `ready`: `auto` may take it. `slow`: it runs when it is asked for, but the CPU is faster. `missing`: it
   * cannot be used.
   */
  readonly state: "ready" | "slow" | "missing";
  /** Unless ready: why, as a clause. */
  readonly because?: string;
  /** Unless ready: what to type, one line each. */
  readonly fix: readonly string[];
  readonly facts: readonly DeviceFact[];
}

/** How each kind is looked at, the one that `auto` prefers first. */
export const SURVEYS: Readonly<Record<Device["kind"], () => Promise<DeviceFinding>>> = {
  cuda: surveyCuda,
  webgpu: surveyWebgpu,
  cpu: surveyCpu,
};

/** Everything, in the order of {@linkcode SURVEYS}. */
export async function surveyDevices(): Promise<DeviceFinding[]> {
  const findings: DeviceFinding[] = [];
  for (const survey of Object.values(SURVEYS)) findings.push(await survey());
  return findings;
}

/** The first GPU of NVIDIA's driver, opened and closed again, and a compiler for it. */
export async function surveyCuda(): Promise<DeviceFinding> {
  if (Deno.env.get("KERF_CUDA")) return await surveyEmulated();
  const path = cudaDriverPath();
  if (path === undefined) {
    const fix = "install NVIDIA's driver: https://www.nvidia.com/drivers";
    return missing("cuda", "no NVIDIA driver", [fix]);
  }
  const found = await findCudaToolchain(cacheDir());
  if (found === undefined) {
    return missing("cuda", "no compiler for CUDA, neither NVRTC nor nvcc", [
      "deno task setup cuda",
    ]);
  }
  try {
    const library = suitedCublas(path);
    const cublas = library === undefined ? undefined : openCublas(library);
    const toolchain = await suitedToolchain(found, path);
    const context = openContext(path, toolchain);
    let memory: MemoryInfo;
    try {
      memory = memoryInfo(context.driver.call);
    } finally {
      closeContext(context);
    }
    const facts = [
      fact("arch", "architecture", context.arch),
      fact("memoryBytes", "memory", memory.totalBytes),
      fact("freeMemoryBytes", "free memory", memory.freeBytes),
      fact("multiprocessors", "multiprocessors", context.nMultiprocessors),
      fact("driver", "driver", `CUDA ${context.version}`),
      fact("compiler", "compiler", `${toolchain.kind} ${toolchain.version}`),
      fact("products", "products", productsName(cublas)),
    ];
    const name = cudaName(context, cublas);
    return { kind: "cuda", name, state: "ready", fix: [], facts };
  } catch (error) {
    return refused("cuda", error);
  }
}

/** What `KERF_CUDA=emulated` makes of `--device cuda`: a GPU that is a program, never chosen by itself. */
async function surveyEmulated(): Promise<DeviceFinding> {
  try {
    const device = await openCuda();
    device.close();
    const because = "KERF_CUDA asks for a GPU that is a program";
    const { version } = await findCxxCompiler();
    const facts = [
      fact("compiler", "compiler", version),
      fact("products", "products", device.products),
    ];
    return {
      kind: "cuda",
      name: device.name,
      state: "slow",
      because,
      fix: ["unset KERF_CUDA"],
      facts,
    };
  } catch (error) {
    return refused("cuda", error);
  }
}

/** The WebGPU adapter. */
export async function surveyWebgpu(): Promise<DeviceFinding> {
  const adapter = await findAdapter();
  if (adapter === null) {
    const fix = "sudo apt-get install mesa-vulkan-drivers   (a driver in software)";
    return missing("webgpu", "no graphics driver offers a WebGPU adapter", [fix]);
  }
  const { limits, features } = adapter;
  const facts = [
    fact("maxBufferBytes", "largest buffer", limits.maxBufferSize),
    fact("maxBindingBytes", "largest binding", limits.maxStorageBufferBindingSize),
    fact("maxStorageBuffers", "storage buffers", limits.maxStorageBuffersPerShaderStage),
    fact("workgroupBytes", "work group memory", limits.maxComputeWorkgroupStorageSize),
    fact("workgroupThreads", "work group threads", limits.maxComputeInvocationsPerWorkgroup),
    fact("f16", "f16 arithmetic", features.has("shader-f16")),
  ];
  const found = { kind: "webgpu", name: adapterName(adapter), facts } as const;
  if (!isSoftware(adapter)) return { ...found, state: "ready", fix: [] };
  const because = "WebGPU offers only a software adapter";
  return { ...found, state: "slow", because, fix: ["install the graphics card's Vulkan driver"] };
}

/** The CPU, opened and closed again: it compiles its runtime, so a compiler that is there has run. */
async function surveyCpu(): Promise<DeviceFinding> {
  try {
    const compiler = await findCompiler();
    const device = await openCpuDevice();
    device.close();
    const facts = [...memoryFacts(), fact("compiler", "compiler", compiler.version)];
    return { kind: "cpu", name: device.name, state: "ready", fix: [], facts };
  } catch (error) {
    return refused("cpu", error);
  }
}

const missing = (
  kind: Device["kind"],
  because: string,
  fix: readonly string[],
): DeviceFinding => ({ kind, name: kind, state: "missing", because, fix, facts: [] });

/** What opening a device said: `Cannot open a GPU: its driver runs CUDA 11.8, …`. @throws a bug */
function refused(kind: Device["kind"], error: unknown): DeviceFinding {
  if (!(error instanceof KerfError)) throw error;
  const because = error.message.split("\n", 1)[0]!
    .replace(/^Cannot load (the library "[^"]*"): /, "$1 does not load: ")
    .replace(/^Cannot [^:]*: /, "");
  // Another device is no fix of this one.
  return missing(kind, because, error.hints.filter((hint) => !hint.startsWith("--device")));
}

function memoryFacts(): DeviceFact[] {
  const { total, available } = Deno.systemMemoryInfo();
  return [
    fact("memoryBytes", "memory", total),
    fact("freeMemoryBytes", "free memory", available),
  ];
}

const fact = (name: string, label: string, value: DeviceFact["value"]): DeviceFact => ({
  ...{ name, label, value },
});
