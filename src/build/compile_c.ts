/**
 * C text → shared library in the cache. The name of the library holds the hash of the whole text (headers
 * included), the flags, the compiler's version, the machine's architecture and the ABI version.
 */

import { join, relative, resolve } from "@std/path";
import { KerfError } from "../core/error.ts";
import { projectRoot } from "../sys/cache_dir.ts";
import { runCommand } from "../sys/command.ts";
import type { Compiler } from "../sys/compiler.ts";
import { artifact } from "./artifact.ts";
import { compileError } from "./compile_error.ts";
import { inlineHeaders } from "./headers.ts";
import { systemHeaderArgs } from "./system_headers.ts";

/** A C source to compile. */
export interface CSource {
  /** For people, at the start of the library's name. */
  readonly name: string;
  readonly text: string;
  /** The path messages name and headers are sought beside: absolute or from the project's root. */
  readonly file: string;
  readonly defines?: Readonly<Record<string, number>>;
  /** Flags of the instruction set: `["-march=x86-64-v3"]`. */
  readonly machineFlags?: readonly string[];
}

/** With what and where to. */
export interface CompileCOptions {
  readonly compiler: Compiler;
  /** The folder that holds the libraries. */
  readonly dir: string;
  /** Headers that several sources share, read once; `known` of {@linkcode inlineHeaders}. */
  readonly headers?: Map<string, Promise<string>>;
  /** Ends the compiler; nothing half-made stays. */
  readonly signal?: AbortSignal | undefined;
}

/** Contraction is off because kernels say where they fuse, and bits are compared across targets. */
const FLAGS = [
  ...["-std=gnu11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fwrapv"],
  "-fvisibility=hidden",
  ...["-fPIC", "-shared", "-pthread", "-Wall", "-Wextra", "-Werror", "-Wno-psabi"],
];

/** The exit code of a program that SIGINT ended. */
const INTERRUPTED = 130;

const interrupted = () =>
  new KerfError("Compiling kernels was interrupted", {
    hint: "start again: what is compiled stays",
    exitCode: 130,
  });

/**
 * Compiles a source unless the cache has it.
 *
 * @returns the absolute path of the shared library
 * @throws {KerfError} when a header is missing, the compiler refuses the text or the signal ended it
 */
export async function compileC(source: CSource, options: CompileCOptions): Promise<string> {
  const { signal } = options;
  const root = projectRoot();
  const { headers: known } = options;
  const place = { file: source.file, root };
  const text = await inlineHeaders(source.text, { ...place, ...(known ? { known } : {}) });
  const defines = Object.entries(source.defines ?? {})
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `-D${name}=${value}`);
  const flags = [...FLAGS, ...(source.machineFlags ?? []), ...defines];
  const { command, version } = options.compiler;
  return await artifact({
    // The compiler runs in the project's root, wherever this process is.
    dir: resolve(options.dir),
    name: source.name,
    extension: Deno.build.os === "darwin" ? ".dylib" : ".so",
    inputs: [command.join(" "), version, Deno.build.target, flags.join(" "), text],
    make: async (workDir, stem) => {
      const input = join(workDir, "source.c");
      const output = join(workDir, "library");
      await Deno.writeTextFile(input, text);
      const [program, ...first] = command;
      const run = async (args: readonly string[], scratch: string) => {
        if (signal?.aborted) throw interrupted();
        const result = await runCommand(program!, [...first, ...args], {
          cwd: root,
          // The compiler's own scratch files go where they are swept.
          env: { TMPDIR: scratch },
          ...(signal === undefined ? {} : { signal }),
        });
        // A terminal's Ctrl-C may reach the compiler before this process.
        if (signal?.aborted || result.code === INTERRUPTED) throw interrupted();
        return result;
      };
      const machine = [...FLAGS, ...(source.machineFlags ?? [])];
      const headers = {
        compiler: options.compiler,
        dir: resolve(options.dir),
        flags: machine,
        run,
      };
      const faster = await systemHeaderArgs(text, headers);
      const argsFor = (from: string, to: string) => [...flags, from, "-o", to, "-lm"];
      const result = await run([...faster, ...argsFor(input, output)], workDir);
      // Kept beside the library so that a failing command can be typed again and debuggers find lines.
      const kept = `${stem}.c`;
      await Deno.rename(input, kept);
      if (result.code !== 0) {
        throw compileError({
          name: source.name,
          command: [...command, ...argsFor(relative(root, kept), "/dev/null")].join(" "),
          stderr: result.stderr,
        });
      }
      return output;
    },
  });
}
