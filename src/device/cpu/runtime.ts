/**
 * The runtime as typed functions. Compiled on first use with the flags of every machine, so that it can tell
 * what this one has. Addresses are u64: as bigints in, and out.
 */

import { join } from "@std/path";
import { compileC } from "../../build/mod.ts";
import { projectRoot } from "../../sys/cache_dir.ts";
import type { Compiler } from "../../sys/compiler.ts";
import { openLibrary } from "../../sys/library.ts";

const SYMBOLS = {
  kerf_map: { parameters: ["u64", "u32"], result: "u64" },
  kerf_unmap: { parameters: ["u64", "u64"], result: "i32" },
  kerf_discard: { parameters: ["u64", "u64"], result: "i32" },
  kerf_make_huge: { parameters: ["u64", "u64"], result: "void" },
  kerf_make_small: { parameters: ["u64", "u64", "buffer"], result: "i32" },
  kerf_memory: { parameters: ["buffer"], result: "void" },
  kerf_write: { parameters: ["u64", "buffer", "u64"], result: "void" },
  kerf_read: { parameters: ["buffer", "u64", "u64"], result: "void" },
  kerf_copy: { parameters: ["u64", "u64", "u64"], result: "void" },
  kerf_open: { parameters: ["buffer", "u64", "u64", "buffer"], result: "i32" },
  kerf_fill: { parameters: ["i32", "u64", "u64", "u64"], result: "i32", nonblocking: true },
  kerf_map_file: { parameters: ["buffer", "u64", "u64", "buffer"], result: "u64" },
  kerf_error_text: { parameters: ["i32", "buffer", "u32"], result: "void" },
  kerf_cpu_level: { parameters: [], result: "u32" },
  kerf_pool_open: { parameters: ["u32"], result: "u64" },
  kerf_pool_close: { parameters: ["u64"], result: "void" },
  kerf_run: {
    parameters: ["u64", "buffer", "u32", "buffer", "buffer", "u32", "u64"],
    result: "i32",
  },
  kerf_run_timed: {
    parameters: ["u64", "buffer", "u32", "buffer", "buffer", "u32", "u64", "buffer"],
    result: "i32",
  },
} as const;

/** The functions of runtime/; see there for what they take and return. */
export type CpuRuntime = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** How to get the runtime. */
export interface RuntimeOptions {
  readonly compiler: Compiler;
  /** The folder of compiled libraries. */
  readonly dir: string;
  readonly defines?: Readonly<Record<string, number>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Its code stays when who opened it is gone (a test file, a worker of Deno's): a thread of its pool that has not yet
 * gone to sleep would go on where nothing is. macOS' linker has no such word.
 */
const STAYS = Deno.build.os === "darwin" ? [] : ["-Wl,-z,nodelete"];

/** Compiles the runtime unless the cache has it, and loads it. */
export async function loadRuntime(options: RuntimeOptions): Promise<CpuRuntime> {
  return openLibrary(await compileRuntime(options), SYMBOLS);
}

/** The path of the compiled runtime. */
export async function compileRuntime(options: RuntimeOptions): Promise<string> {
  const { defines = {} } = options;
  const file = "src/device/cpu/runtime/runtime.c";
  const text = await Deno.readTextFile(join(projectRoot(), file));
  return await compileC({ name: "runtime", text, file, defines, machineFlags: STAYS }, options);
}

/** The system's words for an errno. */
export function errorText(runtime: CpuRuntime, code: number): string {
  const bytes = new Uint8Array(128);
  runtime.kerf_error_text(code, bytes, bytes.length);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
