/**
 * CUDA text → shared library for a CPU, in the cache: the text unchanged, with the emulator's headers
 * (src/device/cuda/emulator/) in place of those of the same name. The library holds its own runtime and
 * exports NAME_emulate for every kernel of the text. A checked one reports what a GPU would let pass.
 */

import { join, relative, resolve } from "@std/path";
import { KerfError } from "../core/error.ts";
import { projectRoot } from "../sys/cache_dir.ts";
import { runCommand } from "../sys/command.ts";
import type { Compiler } from "../sys/compiler.ts";
import { artifact } from "./artifact.ts";
import { compileError } from "./compile_error.ts";
import { inlineHeaders } from "./headers.ts";

/** A CUDA source to compile for the emulator. It may hold several kernels. */
export interface EmulatedSource {
  /** For people, at the start of the library's name. */
  readonly name: string;
  readonly text: string;
  /** The path problems name and headers are sought beside: absolute or from the project's root. */
  readonly file: string;
  readonly defines?: Readonly<Record<string, number>>;
}

/** With what and where to. */
export interface CompileEmulatedOptions {
  /** Of C++. */
  readonly compiler: Compiler;
  /** The folder that holds the libraries. */
  readonly dir: string;
  /** Whether every memory access is checked: tens of times slower. */
  readonly checked: boolean;
}

const EMULATOR = "src/device/cuda/emulator";

/** No warnings: nvcc and NVRTC give those. No name of a kernel stands for a function of C's library. */
const FLAGS = [
  ...["-std=c++17", "-ffp-contract=off", "-fno-math-errno", "-fno-strict-aliasing"],
  ...["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-builtin"],
  ...["-fvisibility=hidden", "-fPIC"],
];

/** Of a kernel that runs as fast as it can: a GPU's whole numbers wrap. */
const FAST_FLAGS = ["-O2", "-fwrapv"];

/**
 * Of a checked kernel: every access and every operation that C++ leaves undefined becomes a call, lines are
 * known, and nothing merges or moves accesses.
 */
const CHECKED_FLAGS = [
  ...["-DKERF_CHECKED", "-O1", "-g1", "-fsanitize=thread,shift,integer-divide-by-zero"],
  "-fsanitize=signed-integer-overflow,float-cast-overflow",
];
/** Array bounds: GCC takes a struct's last array for one without bounds unless it is told otherwise. */
const BOUNDS_FLAGS = { gcc: "-fsanitize=bounds-strict", clang: "-fsanitize=array-bounds" };

/** `extern "C" __global__ void __launch_bounds__(THREADS, 1) NAME(const __grid_constant__ struct args args)` */
const ENTRY =
  /extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\(([^,)]+)[^)]*\)\s*)?(\w+)\(\s*const\s+__grid_constant__\s+(?:struct\s+)?(\w+)\s/g;

/** The lines that export the kernels of a text. */
function exportLines(name: string, text: string): string {
  const entries = [...text.matchAll(ENTRY)];
  if (entries.length === 0) {
    throw new KerfError(`Cannot emulate "${name}": its text has no kernel`, {
      hint: 'extern "C" __global__ void NAME(const __grid_constant__ struct args args)',
    });
  }
  const lines = entries.map(([, bound = "0", kernel, type]) =>
    `KERF_EMULATE(${kernel}, ${type}, ${bound})\n`
  );
  return lines.join("");
}

/**
 * Compiles a source unless the cache has it.
 *
 * @returns the absolute path of the shared library
 * @throws {KerfError} when a header is missing, the compiler refuses the text, or it has no kernel
 */
export async function compileEmulated(
  source: EmulatedSource,
  options: CompileEmulatedOptions,
): Promise<string> {
  const { compiler, checked } = options;
  const root = projectRoot();
  const runtime = await compileRuntime(options);
  const inlined = await inlineHeaders(source.text, {
    ...{ file: source.file, root, instead: EMULATOR },
  });
  const text = `${inlined}\n${exportLines(source.name, source.text)}`;
  const defines = Object.entries(source.defines ?? {})
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `-D${name}=${value}`);
  const bounds = BOUNDS_FLAGS[compiler.version.includes("clang") ? "clang" : "gcc"];
  // Lines are told from the project's root, wherever that is.
  const mode = checked ? [...CHECKED_FLAGS, bounds, `-fdebug-prefix-map=${root}=.`] : FAST_FLAGS;
  return await make({
    ...options,
    name: source.name,
    text,
    extension: ".so",
    flags: [...mode, ...defines],
    with: runtime,
  });
}

/** The runtime as an object file, which every library is linked with. */
async function compileRuntime(options: CompileEmulatedOptions): Promise<string> {
  const file = join(EMULATOR, "emulator.cpp");
  const root = projectRoot();
  const text = await inlineHeaders(await Deno.readTextFile(join(root, file)), { file, root });
  const flags = [
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    ...(options.checked ? ["-DKERF_CHECKED"] : []),
  ];
  return await make({ ...options, name: "emulator", text, extension: ".o", flags });
}

interface MakeOptions extends CompileEmulatedOptions {
  readonly name: string;
  readonly text: string;
  readonly extension: ".o" | ".so";
  readonly flags: readonly string[];
  /** An object file to link with. */
  readonly with?: string;
}

/** One text → one file of the cache: compiled, then linked where it is a library. */
async function make(options: MakeOptions): Promise<string> {
  const { name, text, extension, compiler } = options;
  const root = projectRoot();
  const flags = [...FLAGS, ...options.flags];
  const [program, ...first] = compiler.command;
  const inputs = [compiler.command.join(" "), compiler.version, Deno.build.target];
  return await artifact({
    ...{ dir: resolve(options.dir), name, extension },
    inputs: [...inputs, flags.join(" "), options.with ?? "", text],
    make: async (workDir, stem) => {
      const run = (args: readonly string[]) =>
        runCommand(program!, [...first, ...args], { cwd: root, env: { TMPDIR: workDir } });
      const input = join(workDir, "source.cpp");
      const object = join(workDir, "object.o");
      await Deno.writeTextFile(input, text);
      const compiled = await run([...flags, "-c", input, "-o", object]);
      if (compiled.code !== 0) {
        // Kept, so that the failing command can be typed again.
        await Deno.rename(input, `${stem}.cpp`);
        const again = [program, ...first, ...flags, "-fsyntax-only", relative(root, `${stem}.cpp`)];
        throw compileError({ name, command: again.join(" "), stderr: compiled.stderr });
      }
      if (options.with === undefined) return object;
      // Without -fsanitize: what it calls is in the runtime.
      const library = join(workDir, "library");
      const link = ["-shared", "-Wl,-z,defs", object, options.with, "-o", library, "-lm", "-ldl"];
      const linked = await run(link);
      if (linked.code === 0) return library;
      const command = [program, ...first, ...link].join(" ");
      throw compileError({ name, command, stderr: linked.stderr });
    },
  });
}
