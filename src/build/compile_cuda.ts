/**
 * CUDA text → cubin in the cache, ptxas' report beside it. The file's name holds the hash of the whole text
 * (headers included), the flags with the architecture, the compiler and its version, and the ABI version.
 * Warnings are errors.
 */

import { join, relative, resolve } from "@std/path";
import { projectRoot } from "../sys/cache_dir.ts";
import { runCommand } from "../sys/command.ts";
import { artifact } from "./artifact.ts";
import { compileEmulated } from "./compile_emulated.ts";
import { compileError } from "./compile_error.ts";
import { partReport, REPORT_FLAG, reportPath } from "./cubin_report.ts";
import type { CudaToolchain } from "./cuda_toolchain.ts";
import { inlineHeaders } from "./headers.ts";
import { nvccArguments } from "./nvcc.ts";

/** A CUDA source to compile. */
export interface CudaSource {
  /** For people, at the start of the file's name. */
  readonly name: string;
  readonly text: string;
  /** The path messages name and headers are sought beside: absolute or from the project's root. */
  readonly file: string;
  /** The architecture of the machine code: `sm_80`, `sm_90`. */
  readonly arch: string;
  readonly defines?: Readonly<Record<string, number>>;
}

/** With what and where to. */
export interface CompileCudaOptions {
  readonly toolchain: CudaToolchain;
  /** The folder that holds the cubins. */
  readonly dir: string;
}

/** Contraction is off because kernels say where they fuse, and bits are compared across targets. */
const FLAGS = ["-std=c++17", "--fmad=false", REPORT_FLAG];

/**
 * Compiles a source unless the cache has it.
 *
 * @returns the absolute path of the cubin; of a shared library where the toolchain is the emulator's
 * @throws {KerfError} when a header is missing or the compiler refuses the text or warns
 */
export async function compileCuda(
  source: CudaSource,
  options: CompileCudaOptions,
): Promise<string> {
  const { toolchain, dir } = options;
  if (toolchain.kind === "emulator") {
    return await compileEmulated(source, { dir, ...toolchain });
  }
  const root = projectRoot();
  const text = await inlineHeaders(source.text, { file: source.file, root });
  const defines = Object.entries(source.defines ?? {})
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `-D${name}=${value}`);
  const flags = [`-arch=${source.arch}`, ...FLAGS, ...defines];
  const { kind, version } = toolchain;
  return await artifact({
    dir: resolve(dir),
    name: source.name,
    extension: ".cubin",
    inputs: [kind, version, flags.join(" "), text],
    make: async (workDir, stem) => {
      const output = join(workDir, "cubin");
      const input = join(workDir, "source.cu");
      await Deno.writeTextFile(input, text);
      const job = { text, input, output, flags };
      const { report, problems } = await runCompiler(toolchain, job);
      if (problems === null) {
        // Before the cubin: where that is, this is.
        const reportFile = join(workDir, "report");
        await Deno.writeTextFile(reportFile, report);
        await Deno.rename(reportFile, reportPath(`${stem}.cubin`));
        return output;
      }
      // Kept, so that the failing command can be typed again where there is an nvcc.
      const kept = `${stem}.cu`;
      await Deno.rename(input, kept);
      const again = nvccArguments(flags, { input: relative(root, kept), output: "/dev/null" });
      throw compileError({
        name: source.name,
        command: `nvcc ${again.join(" ")}`,
        stderr: problems,
      });
    },
  });
}

/** Writes the cubin, or says what the compiler has against the text. */
async function runCompiler(
  toolchain: Exclude<CudaToolchain, { kind: "emulator" }>,
  job: {
    readonly text: string;
    readonly input: string;
    readonly output: string;
    readonly flags: readonly string[];
  },
): Promise<{ report: string; problems: string | null }> {
  if (toolchain.kind === "nvcc") {
    const { command } = toolchain.nvcc;
    const { code, stdout, stderr } = await runCommand(command, nvccArguments(job.flags, job), {
      cwd: projectRoot(),
    });
    const { report, rest } = partReport(stdout + stderr);
    return { report, problems: code === 0 ? null : rest };
  }
  // The text's own #line marks name the files.
  const { cubin, log } = await toolchain.nvrtc.compile(job.text, "kernel.cu", job.flags);
  const { report, rest } = partReport(log);
  if (cubin === null || rest !== "") return { report, problems: rest || "NVRTC gave no reason" };
  await Deno.writeFile(job.output, cubin);
  return { report, problems: null };
}
