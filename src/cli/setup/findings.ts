/** What this machine has of what Kerf can use, one finding each, with the command that fixes a gap. */

import { join } from "@std/path";
import { findNvcc } from "../../build/nvcc.ts";
import { hasNvrtc, NVRTC_VERSION, nvrtcFolder, openNvrtc } from "../../build/nvrtc.ts";
import { KerfError } from "../../core/error.ts";
import { surveyCuda, surveyWebgpu } from "../../device/survey.ts";
import { DEFAULT_MODEL } from "../../model/default_model.ts";
import { cacheDir } from "../../sys/cache_dir.ts";
import { runCommand } from "../../sys/command.ts";
import { findCompiler } from "../../sys/compiler.ts";
import { INSTALL_PIP } from "../../sys/pip.ts";

/** One thing Kerf can use. */
export interface Finding {
  readonly what: string;
  /** What there is, or undefined. */
  readonly found: string | undefined;
  /** What it is for, or why it cannot be used. */
  readonly why: string;
  /** What to type when it cannot be used, or to have a better one; one line each. */
  readonly fix: readonly string[];
}

/** The compiler of the default device. */
export async function compiler(): Promise<Finding> {
  const finding = { what: "C compiler", why: "the CPU device" };
  try {
    return { ...finding, found: (await findCompiler()).version, fix: [] };
  } catch (error) {
    if (!(error instanceof KerfError)) throw error;
    return { ...finding, found: undefined, fix: error.hints };
  }
}

/** What fetches wheels. */
export async function python(): Promise<Finding> {
  const found = await firstLine("python3", ["-m", "pip", "--version"]);
  const why = "fetching the default model and NVRTC";
  return { what: "Python with pip", found: found?.split(" from ")[0], why, fix: [INSTALL_PIP] };
}

/** The model that is used unless another is named. */
export async function model(): Promise<Finding> {
  const path = join(cacheDir(), "models", DEFAULT_MODEL.name);
  const there = await Deno.stat(path).then(() => true, () => false);
  const found = there ? DEFAULT_MODEL.name : undefined;
  const fix = ['deno task run "Hello"'];
  return { what: "default model", found, why: "fetched by the first run", fix };
}

/** The graphics adapter. */
export async function webgpu(): Promise<Finding> {
  const { state, name, because, fix } = await surveyWebgpu();
  const found = state === "missing" ? undefined : name;
  return { what: "WebGPU", found, why: because ?? "", fix: state === "missing" ? fix : [] };
}

/** NVRTC, nvcc, the GPU: in this order. */
export async function cuda(): Promise<Finding[]> {
  const installed = await hasNvrtc(cacheDir());
  const nvrtc = installed
    ? `${openNvrtc(cacheDir()).version} (${NVRTC_VERSION}) in ${nvrtcFolder(cacheDir())}`
    : undefined;
  const why = "compiling for CUDA; NVRTC or nvcc will do";
  const toolkit = "install the CUDA toolkit: https://developer.nvidia.com/cuda-downloads";
  const { state, name, because, fix, facts } = await surveyCuda();
  const driver = facts.find((fact) => fact.name === "driver")?.value;
  const found = driver === undefined ? name : `${name}, driver for ${driver}`;
  return [
    { what: "NVRTC", found: nvrtc, why, fix: ["deno task setup cuda"] },
    { what: "nvcc", found: (await findNvcc())?.version, why, fix: [toolkit] },
    {
      what: "NVIDIA GPU",
      found: state === "missing" ? undefined : found,
      why: because ?? "",
      fix,
    },
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
