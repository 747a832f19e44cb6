/**
 * The emulated driver library: compiled from driver/driver.c on first use, and what tests may ask of it.
 * All of a process's devices on it share one GPU.
 */

import { join } from "@std/path";
import { compileC } from "../../../build/mod.ts";
import { projectRoot } from "../../../sys/cache_dir.ts";
import { findCompiler } from "../../../sys/compiler.ts";
import { openLibrary } from "../../../sys/library.ts";

/** One recorded call. */
export interface DriverCall {
  /** With its version: `cuMemAlloc_v2`. */
  readonly name: string;
  /** Its CUresult. */
  readonly code: number;
  /** `bytes=24` */
  readonly given: string;
}

/** What the emulated GPU can be told to be. */
export type GpuProperty = "version" | "devices" | "major" | "minor" | "maps_memory" | "memory";

/** The emulated driver, as tests see it. */
export interface EmulatedDriver {
  /** The absolute path of the library. */
  readonly path: string;
  /** Forgets calls, leaks and plans; the GPU is as at the beginning. */
  reset(): void;
  set(property: GpuProperty, value: number): void;
  /** Makes the n-th call of a name, counted from now and from 1, return a CUresult. */
  fail(name: string, n: number, code: number): void;
  /** Every call since the last reset. */
  calls(): DriverCall[];
  /** What lives, and what lived when a context ended: one line each. */
  leaks(): string[];
  /** Bytes of the GPU's memory in use. */
  usedBytes(): number;
}

const SYMBOLS = {
  kerf_driver_reset: { parameters: [], result: "void" },
  kerf_driver_set: { parameters: ["buffer", "u64"], result: "void" },
  kerf_driver_fail: { parameters: ["buffer", "u32", "i32"], result: "void" },
  kerf_driver_log: { parameters: ["buffer", "u64"], result: "u64" },
  kerf_driver_leaks: { parameters: ["buffer", "u64"], result: "u64" },
  kerf_driver_used: { parameters: [], result: "u64" },
} as const;

const FILE = "src/device/cuda/emulator/driver/driver.c";

/**
 * Compiles the driver unless the cache has it, and loads it.
 *
 * @param dir the folder of compiled libraries
 */
export async function loadEmulatedDriver(dir: string): Promise<EmulatedDriver> {
  const compiler = await findCompiler();
  const text = await Deno.readTextFile(join(projectRoot(), FILE));
  const path = await compileC({ name: "driver", text, file: FILE }, { compiler, dir });
  const library = openLibrary(path, SYMBOLS);
  const cString = (text: string) => new TextEncoder().encode(`${text}\0`);
  const lines = (ask: (to: Uint8Array<ArrayBuffer>, bytes: bigint) => bigint) => {
    const bytes = new Uint8Array(Number(ask(new Uint8Array(1), 0n)));
    ask(bytes, BigInt(bytes.length));
    return new TextDecoder().decode(bytes).split("\n").filter((line) => line !== "");
  };
  return {
    path,
    reset: () => library.kerf_driver_reset(),
    set: (property, value) => library.kerf_driver_set(cString(property), BigInt(value)),
    fail: (name, n, code) => library.kerf_driver_fail(cString(name), n, code),
    calls: () =>
      lines(library.kerf_driver_log).map((line) => {
        const [name = "", code, ...given] = line.split(" ");
        return { name, code: Number(code), given: given.join(" ") };
      }),
    leaks: () => lines(library.kerf_driver_leaks),
    usedBytes: () => Number(library.kerf_driver_used()),
  };
}
