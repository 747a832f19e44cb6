/**
 * What `deno task` starts: resolves the places a command works with and runs it in a process of its own
 * with exactly those permissions. It loads no command.
 */

import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { cublasFiles } from "../device/cuda/cublas_path.ts";
import { cudaDriverFiles, cudaDriverPath } from "../device/cuda/driver_path.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { runDeno } from "../sys/deno.ts";
import { isTraced, markStage, startupLine } from "../sys/startup_marks.ts";
import { overviewText, parseCommand } from "./args.ts";
import { commandAt, commandFile, COMMANDS } from "./flags.ts";
import { heapFlags } from "./heap_flags.ts";
import { permissionFlags } from "./permissions.ts";
import { ROOT } from "./root.ts";

/** The absolute path of a program: itself, or the first on the PATH. Relative folders are no place. */
function findProgram(name: string): string[] {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((path) => path.startsWith("/"));
  const paths = name.startsWith("/") ? [name] : folders.map((folder) => join(folder, name));
  return paths.filter(isFile).slice(0, 1);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The program that a variable such as CC names, without its arguments. */
const programOf = (variable: string): string | undefined =>
  Deno.env.get(variable)?.trim().split(/\s+/)[0];

/** The launcher's whole work; returns the exit code. */
async function launch(words: readonly string[]): Promise<number> {
  const [name] = words;
  if (name === undefined || name === "--help" || name === "-h") {
    (name === undefined ? console.error : console.log)(overviewText());
    return name === undefined ? 2 : 0;
  }
  const found = commandAt(words);
  if (!found) {
    const near = nearest(name, COMMANDS.map((c) => c.name));
    throw new KerfError(`Unknown command "${name}"`, {
      hint: near ? `did you mean ${near}?` : `one of ${COMMANDS.map((c) => c.name).join(", ")}`,
      exitCode: 2,
    });
  }
  const { command, rest } = found;
  const cwd = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  const driver = cudaDriverPath();
  const trusted = command.name === "test" || command.name === "setup";
  const emulates = command.name === "verify" || Deno.env.get("KERF_CUDA") === "emulated";
  const flags = trusted ? ["--allow-all"] : permissionFlags(command, parseCommand(command, rest), {
    ...{ root: ROOT, cwd, findProgram },
    cache: cacheDir(),
    deno: Deno.execPath(),
    compiler: programOf("CC"),
    cudaLibraries: driver === undefined ? [] : [...cudaDriverFiles(), ...cublasFiles()],
    emulatorCompilers: emulates ? [programOf("CXX") ?? [], "c++", "g++", "clang++"].flat() : [],
  });
  // A new process sees the files as they are now; modules once loaded would stay as they were.
  const watch = command.name === "gen" && rest.includes("--watch")
    ? ["--watch=kernels,templates", "--no-clear-screen"]
    : [];
  markStage("launcher: its modules, permissions");
  if (isTraced()) console.error(startupLine());
  const main = join(ROOT, `src/cli/${commandFile(command.name)}`);
  const all = [...watch, ...heapFlags(command), ...flags];
  return await runDeno(["run", "--quiet", ...all, main, ...words], {
    cwd: ROOT,
    // The command may look for the driver nowhere else.
    env: { INIT_CWD: cwd, ...(driver === undefined ? {} : { KERF_LIBCUDA: driver }) },
  });
}

if (import.meta.main) {
  try {
    Deno.exit(await launch(Deno.args));
  } catch (error) {
    if (!(error instanceof KerfError)) throw error;
    console.error(error.render());
    Deno.exit(error.exitCode);
  }
}
