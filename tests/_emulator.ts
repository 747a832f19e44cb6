/**
 * What tests of emulated CUDA share: a kernel's text compiled for the CPU and launched once, with typed
 * arrays as its global memory. A problem the emulator finds is the result's, not an exception.
 */

import { join } from "@std/path";
import { compileEmulated } from "../src/build/compile_emulated.ts";
import type { TypedArray } from "../src/device/run_kernel.ts";
import { cacheDir } from "../src/sys/cache_dir.ts";
import { findCxxCompiler } from "../src/sys/compiler.ts";
import { openLibrary } from "../src/sys/library.ts";

const compiler = findCxxCompiler();
/** Where the CUDA device on the emulated driver keeps the same libraries. */
const dir = join(cacheDir(), "emulated", "cuda");

/** One launch. */
export interface EmulatedLaunch {
  readonly grid: number;
  readonly block: number;
  /** Bytes of dynamic shared memory. */
  readonly sharedBytes?: number;
  /** The kernel's argument struct. */
  readonly args: Uint8Array;
  /** Global memory. */
  readonly memory: readonly TypedArray[];
}

/** The address of an array's first element; empty ones have none. */
export const addressOf = (data: ArrayBufferView): bigint =>
  data.byteLength === 0
    ? 0n
    : Deno.UnsafePointer.value(Deno.UnsafePointer.of(data as Uint8Array<ArrayBuffer>));

/** A text's kernels, compiled: launches one by name and gives its problem, or undefined. */
export async function compileForEmulator(
  source: {
    readonly name: string;
    readonly text: string;
    readonly file?: string;
    readonly defines?: Readonly<Record<string, number>>;
  },
  { checked = true }: { readonly checked?: boolean } = {},
): Promise<(kernel: string, launch: EmulatedLaunch) => string | undefined> {
  const path = await compileEmulated(
    { ...source, file: source.file ?? `templates/cuda/${source.name}.cu` },
    { compiler: await compiler, dir, checked },
  );
  return (kernel, launch) => {
    const symbol = `${kernel}_emulate`;
    const emulate = openLibrary(path, { [symbol]: { parameters: ["buffer"], result: "i32" } });
    const problem = new Uint8Array(2048);
    const allocations = BigUint64Array.from(
      launch.memory.filter((data) => data.byteLength > 0)
        .flatMap((data) => [addressOf(data), BigInt(data.byteLength)]),
    );
    const record = new DataView(new ArrayBuffer(64));
    record.setUint32(0, launch.grid, true);
    record.setUint32(4, launch.block, true);
    record.setUint32(8, launch.sharedBytes ?? 0, true);
    [
      addressOf(launch.args),
      BigInt(launch.args.length),
      addressOf(allocations),
      BigInt(allocations.length / 2),
      addressOf(problem),
      BigInt(problem.length),
    ].forEach((value, i) => record.setBigUint64(16 + 8 * i, value, true));
    if (emulate[symbol]!(new Uint8Array(record.buffer)) === 0) return undefined;
    return new TextDecoder().decode(problem.subarray(0, problem.indexOf(0)));
  };
}
