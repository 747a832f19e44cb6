/**
 * `deno task setup [cuda|webgpu]`: says what this machine has of what Kerf can use, and the command that
 * fixes each gap. `setup cuda` also fetches NVRTC, which compiles faster than nvcc and needs no toolkit.
 * Installs nothing outside the cache.
 */

import { join } from "@std/path";
import { installNvrtc } from "../build/install_nvrtc.ts";
import { findNvcc } from "../build/nvcc.ts";
import { hasNvrtc, NVRTC_VERSION, nvrtcFolder, openNvrtc } from "../build/nvrtc.ts";
import { KerfError } from "../core/error.ts";
import { findCudaDriver } from "../device/cuda/driver.ts";
import { findAdapter } from "../device/webgpu/adapter.ts";
import { DEFAULT_MODEL } from "../model/default_model.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { runCommand } from "../sys/command.ts";
import { findCompiler } from "../sys/compiler.ts";
import { INSTALL_PIP } from "../sys/pip.ts";
import type { ParsedArgs } from "./args.ts";
import { writeError, writeOut } from "./terminal.ts";

/** One thing Kerf can use. */
interface Finding {
  readonly what: string;
  /** What there is, or undefined. */
  readonly found: string | undefined;
  /** What it is for. */
  readonly use: string;
  /** What to type when it is not there. */
  readonly fix: string;
}

const ADAPTER_FIX = "sudo apt-get install mesa-vulkan-drivers";

/** Prints the findings asked for; 1 when what was asked for cannot be used. */
export async function main({ positionals }: ParsedArgs): Promise<number> {
  const [target, ...rest] = positionals;
  const known = target === undefined || target === "cuda" || target === "webgpu";
  if (!known || rest.length > 0) {
    throw new KerfError(`Cannot set up "${positionals.join(" ")}": it is cuda or webgpu`, {
      hint: "deno task setup cuda",
      exitCode: 2,
    });
  }
  if (target === "webgpu") return print([await adapter()]);
  if (target === "cuda") return await setUpCuda();
  const all = [await compiler(), await python(), await model(), await adapter(), ...await cuda()];
  print(all);
  // Everything else is a choice; without a C compiler there is no default device.
  return all[0]!.found === undefined ? 1 : 0;
}

/** Brings NVRTC; 0 once there is a CUDA compiler, since the GPU may be elsewhere. */
async function setUpCuda(): Promise<number> {
  const nvcc = await findNvcc();
  try {
    await installNvrtc({ cacheDir: cacheDir(), onStart: (what) => writeError(`${what}\n`) });
  } catch (error) {
    if (!(error instanceof KerfError) || nvcc === undefined) throw error;
    writeError(`${error.render()}\nnvcc compiles instead\n`);
  }
  print(await cuda());
  return 0;
}

function print(findings: readonly Finding[]): number {
  const width = Math.max(...findings.map(({ what }) => what.length)) + 2;
  for (const { what, found, use, fix } of findings) {
    const state = found ?? `not found (${use})\n${" ".repeat(width)}hint: ${fix}`;
    writeOut(`${what.padEnd(width)}${state}\n`);
  }
  return findings.every(({ found }) => found !== undefined) ? 0 : 1;
}

async function compiler(): Promise<Finding> {
  const finding = { what: "C compiler", use: "the CPU device" };
  try {
    return { ...finding, found: (await findCompiler()).version, fix: "" };
  } catch (error) {
    if (!(error instanceof KerfError)) throw error;
    return { ...finding, found: undefined, fix: error.hints.join("; ") };
  }
}

async function python(): Promise<Finding> {
  const found = await firstLine("python3", ["-m", "pip", "--version"]);
  const use = "fetching the default model and NVRTC";
  return { what: "Python with pip", found: found?.split(" from ")[0], use, fix: INSTALL_PIP };
}

async function model(): Promise<Finding> {
  const path = join(cacheDir(), "models", DEFAULT_MODEL.name);
  const there = await Deno.stat(path).then(() => true, () => false);
  const use = "fetched by the first run";
  const fix = 'deno task run "Hello"';
  return { what: "default model", found: there ? DEFAULT_MODEL.name : undefined, use, fix };
}

async function adapter(): Promise<Finding> {
  const info = (await findAdapter())?.info;
  const found = info && (info.description || info.device || info.vendor || "an adapter");
  const use = "the WebGPU device; a driver in software will do";
  return { what: "WebGPU", found, use, fix: ADAPTER_FIX };
}

/** NVRTC, nvcc, the driver: in this order. */
async function cuda(): Promise<Finding[]> {
  const installed = await hasNvrtc(cacheDir());
  const nvrtc = installed
    ? `${openNvrtc(cacheDir()).version} (${NVRTC_VERSION}) in ${nvrtcFolder(cacheDir())}`
    : undefined;
  const driver = findCudaDriver();
  const seen = driver && `CUDA ${driver.version}, ${driver.nDevices} GPUs`;
  const use = "compiling for CUDA; NVRTC or nvcc will do";
  const toolkit = "install the CUDA toolkit: https://developer.nvidia.com/cuda-downloads";
  const gpu = "install NVIDIA's driver: https://www.nvidia.com/drivers";
  return [
    { what: "NVRTC", found: nvrtc, use, fix: "deno task setup cuda" },
    { what: "nvcc", found: (await findNvcc())?.version, use, fix: toolkit },
    { what: "CUDA driver", found: seen, use: "running on an NVIDIA GPU", fix: gpu },
  ];
}

/** The first line that a program prints, or undefined when it does not run. */
async function firstLine(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { code, stdout } = await runCommand(program, args);
    return code === 0 ? stdout.split("\n", 1)[0] : undefined;
  } catch (error) {
    if (error instanceof KerfError) return undefined;
    throw error;
  }
}
