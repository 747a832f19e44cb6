/**
 * What a command may touch, as Deno's permission flags: exactly the project, the cache, the files the
 * user named, the programs it starts. Computed by the launcher, since a task's own flags cannot expand
 * variables.
 */

import { dirname } from "@std/path";
import { KerfError } from "../core/error.ts";
import { parseSpec } from "../engine/spec.ts";
import { PIP_ENVIRONMENT } from "../sys/pip_environment.ts";
import type { ParsedArgs } from "./args.ts";
import type { Command } from "./flags/command.ts";
import { partName } from "./write_whole.ts";

/** Absolute places a command works with. */
export interface Places {
  readonly root: string;
  readonly cache: string;
  /** The folder the user typed the command in. */
  readonly cwd: string;
  /** The program that `$CC` names. */
  readonly compiler?: string | undefined;
  /** What loading NVIDIA's driver and cuBLAS opens; empty without a driver. */
  readonly cudaLibraries: readonly string[];
  /** The programs that compile for an emulated GPU; none unless one was asked for. */
  readonly emulatorCompilers?: readonly string[];
  /** This Deno, which renders kernels in a process of its own. */
  readonly deno: string;
  /** The absolute path of a program, if it is there: one element or none. */
  readonly findProgram: (name: string) => readonly string[];
}

/** Environment variables Kerf itself reads, then those its libraries look at when they load. */
const ENVIRONMENT = [
  ...["KERF_*", "HF_TOKEN", "HF_ENDPOINT", "INIT_CWD", "CC", "CXX", "PATH", "HOME", "TMPDIR"],
  ...["NO_COLOR", "TERM", "COLUMNS", "DENO_DIR"],
  // Which of several cuBLAS a driver runs, only the command can ask.
  "LD_LIBRARY_PATH",
  // Where Deno takes packages from.
  "NPM_CONFIG_REGISTRY",
  // Set before WebGPU starts: which graphics interface it asks, and a folder that Mesa wants.
  ...["DENO_WEBGPU_BACKEND", "XDG_RUNTIME_DIR"],
  ...PIP_ENVIRONMENT,
  ...[
    "NODE_*",
    "TSC_*",
    "VSCODE_INSPECTOR_OPTIONS",
    "__MINIMATCH_TESTING_PLATFORM__",
    "TINYGLOBBY_DEBUG",
  ],
];

/** Compilers in the order they are tried; `$CC` goes before them. */
const COMPILERS = ["cc", "gcc", "clang"];

/** The tables and budgets that a spec reads from files; a spec that is none is the command's to refuse. */
function tableFiles(spec: string): string[] {
  try {
    const values = parseSpec(spec).flatMap((step) => Object.values(step.values));
    return values.filter((value) =>
      typeof value === "string" && /\.(safetensors|json)$/.test(value)
    )
      .map(String);
  } catch (error) {
    if (error instanceof KerfError) return [];
    throw error;
  }
}

/** Whether an invocation looks at every device. */
const looksAtAll = ({ name }: Command, { positionals }: ParsedArgs): boolean =>
  name === "inspect" && positionals[0] === "devices";

/** Whether an invocation compiles for CUDA, and looks for a GPU to do so. */
function usesCuda(command: Command, parsed: ParsedArgs): boolean {
  const asked = [parsed.values.device, parsed.values.target].flat();
  // Without a device named, verify takes every one that is here.
  if (command.name === "verify" && parsed.values.device === undefined) return true;
  return asked.includes("cuda") || asked.includes("auto") || looksAtAll(command, parsed);
}

/** Deno's flags for one invocation of a command. */
export function permissionFlags(command: Command, parsed: ParsedArgs, places: Places): string[] {
  const { root, cache, cwd, compiler, deno, findProgram } = places;
  const absolute = (path: string) => path.startsWith("/") ? path : `${cwd}/${path}`;
  const named = (kind: "path-in" | "path-out") =>
    command.flags
      .filter((flag) => flag.kind === kind && parsed.values[flag.name] !== undefined)
      .flatMap((flag) => [parsed.values[flag.name]].flat().map((path) => absolute(String(path))));
  const outputs = named("path-out");
  // Written beside its place, and renamed when it is whole.
  const parts = command.flags.some(({ name, kind }) => name === "o" && kind === "path-out")
    ? [parsed.values.o ?? []].flat().map((path) => partName(absolute(String(path))))
    : [];
  const peers = [parsed.values.vs ?? []].flat().map((path) => absolute(String(path)));
  const model = parsed.values.m as string | undefined;
  const has = (name: string) => command.flags.some((flag) => flag.name === name);
  const [usesModel, usesDevice] = [has("m"), has("device")];
  const isHub = model?.startsWith("hf:") === true;
  const hasCuda = usesDevice && usesCuda(command, parsed);
  const libraries = hasCuda ? places.cudaLibraries : [];
  const programs = [
    ...(usesDevice ? [...(compiler ? [compiler] : []), ...COMPILERS].flatMap(findProgram) : []),
    ...(usesDevice ? [deno] : []),
    // pip fetches the default model, with a network of its own.
    ...(usesModel && model === undefined ? findProgram("python3") : []),
    ...(hasCuda ? ["nvcc", ...places.emulatorCompilers ?? []].flatMap(findProgram) : []),
    ...(["bench", "eval", "eval calibrate"].includes(command.name) ? findProgram("git") : []),
    ...(command.name === "bench" ? peers : []),
  ];
  const read = [
    ...[root, cache, ...programs, ...libraries, ...named("path-in"), ...outputs, ...parts],
    ...(model === undefined || isHub ? [] : [absolute(model)]),
    // More texts of --text, which a shell's * made.
    ...(has("text") ? parsed.positionals.map(absolute) : []),
    ...[parsed.values.prune ?? [], parsed.values.attention ?? []].flat().map(String)
      .flatMap(tableFiles).map(absolute),
  ];
  const write = [
    ...(usesDevice ? [cache] : []),
    ...(command.name === "gen" ? [`${root}/generated`] : []),
    ...(command.name === "new" ? [`${root}/kernels`] : []),
    ...(parsed.values.save === true ? [`${root}/bench/results`] : []),
    ...(parsed.values.write === true ? [`${root}/src/emit/targets/c`] : []),
    ...outputs.map((file) => dirname(file)),
  ];
  return [
    "--no-prompt",
    `--allow-env=${list(ENVIRONMENT)}`,
    `--allow-read=${list(read)}`,
    ...(write.length > 0 ? [`--allow-write=${list(write)}`] : []),
    ...(usesDevice ? [`--allow-ffi=${list([cache, ...libraries])}`] : []),
    ...(programs.length > 0 ? [`--allow-run=${list(programs)}`] : []),
    ...(looksAtAll(command, parsed) ? ["--allow-sys=systemMemoryInfo"] : []),
    // The hub redirects to hosts that are not known beforehand.
    ...(isHub ? ["--allow-net"] : []),
  ];
}

/** Deno splits lists at commas; a comma in a path is doubled. */
const list = (items: readonly string[]) =>
  [...new Set(items)].map((item) => item.replaceAll(",", ",,")).join(",");
