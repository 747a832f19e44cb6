/** nvcc, the CUDA toolkit's compiler, for machines that have the toolkit: CUDA text → cubin. */

import { KerfError } from "../core/error.ts";
import { runCommand } from "../sys/command.ts";

/** The nvcc of this machine. */
export interface Nvcc {
  readonly command: string;
  /** `V13.0.88`: part of what names a compiled file. */
  readonly version: string;
}

/** nvcc as the PATH has it; undefined when it is not there or does not run. */
export async function findNvcc(): Promise<Nvcc | undefined> {
  try {
    const { code, stdout } = await runCommand("nvcc", ["--version"]);
    const version = /\bV\d+\.\d+\.\d+/.exec(stdout)?.[0];
    return code === 0 && version !== undefined ? { command: "nvcc", version } : undefined;
  } catch (error) {
    if (error instanceof KerfError) return undefined;
    throw error;
  }
}

/** The arguments that compile `input` to `output`; the flags are those of both compilers. */
export const nvccArguments = (
  flags: readonly string[],
  { input, output }: { readonly input: string; readonly output: string },
): string[] => ["-cubin", "-Werror", "all-warnings", ...flags, input, "-o", output];
